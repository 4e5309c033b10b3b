"""What all scorers share: a name, a side of the feature, and the score of a label that knows nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, Literal, TypeVar

from ...tools.errors import UsageError, nearest, shortened
from ..scores import Score, Statement

_Items = TypeVar("_Items")
SideOfFeature = Literal["output", "input"]


class AnyScorer(ABC, Generic[_Items]):
    """Examines statements about a feature on its items; a constant answer earns exactly `chance`.

    `judge` names the language model that scores, nothing where none does.
    """

    name: ClassVar[str]
    side: ClassVar[SideOfFeature]
    chance: ClassVar[float]
    judge: str = ""

    @abstractmethod
    def items(self, feature: int) -> _Items | str:
        """What statements about the feature are examined on, or why it cannot be examined."""

    @abstractmethod
    def says_anything(self, statement: Statement) -> bool:
        """Whether a statement claims anything that this scorer examines; else it earns chance."""


class Scorer(AnyScorer[_Items]):
    """Scores statements by computation alone."""

    @abstractmethod
    def score(self, feature: int, items: _Items, statement: Statement) -> Score:
        """The score of a statement, its controls are scored on the same items."""


def require_known(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageError for a name that is none of a scorer."""
    for name in names:
        if name not in known:
            raise UsageError(f"No scorer {shortened(name)}.{nearest(name, known)} Scorers: {', '.join(known)}.")
