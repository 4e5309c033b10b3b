"""What all scorers share: a name, a side of the feature, and the score of a label that knows nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, Literal, TypeVar

from ..scores import Score, Statement

_Items = TypeVar("_Items")
SideOfFeature = Literal["output", "input"]


class Scorer(ABC, Generic[_Items]):
    """Scores statements about a feature on its items; a constant answer earns exactly `chance`.

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
    def score(self, feature: int, items: _Items, statement: Statement) -> Score:
        """The score of a statement, its controls are scored on the same items."""

    @abstractmethod
    def says_anything(self, statement: Statement) -> bool:
        """Whether a statement claims anything that this scorer examines; else it earns chance."""
