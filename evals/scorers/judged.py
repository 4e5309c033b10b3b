"""What scorers that ask an LLM judge share."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal, TypeVar

from ...tools.vocabulary import Vocabulary
from ..exam.exam import Exam
from ..exam.items import ContextItems
from ..judge.agreement import Scale
from ..judge.batches import shuffling
from ..judge.judge import Judge
from ..judge.windows import chosen
from ..scores import Score, Statement
from .scorer import AnyScorer

_Items = TypeVar("_Items")


class JudgedScorer(AnyScorer[_Items]):
    """Scores statements by a judge's answers; those that did not come, or cannot be read, count for nothing.

    `about`: what the score is of; that of a feature ignores the statement, and has no controls among statements.
    `scale`: of the answers in a score's details, for the agreement of judges; None where they cannot be compared.
    """

    about: ClassVar[Literal["label", "feature"]] = "label"
    scale: ClassVar[Scale | None] = "nominal"

    def __init__(self, exam: Exam, judge: str = "") -> None:
        self._exam, self.judge = exam, judge

    @abstractmethod
    async def score(self, feature: int, items: _Items, statement: Statement, judge: Judge) -> Score:
        """The score of a statement; its controls are scored on the same items.

        Its details count items asked about, answered, `unparsed` and `failed`. Raises LlmError or BudgetError where no
        other feature could be scored either.
        """

    def says_anything(self, statement: Statement) -> bool:
        """Whether the statement has a text, which is all that a judge is shown of it."""
        return bool(statement.text.strip())

    @property
    def _vocabulary(self) -> Vocabulary:
        return self._exam.workbench.subject.vocabulary


class ContextScorer(JudgedScorer[ContextItems]):
    """Asks about `each` firing contexts, drawn at random, and as many silent ones."""

    each: ClassVar[int] = 20

    def items(self, feature: int) -> ContextItems | str:
        """Firing contexts and as many silent ones, or why there are too few."""
        found = self._exam.contexts.items(feature)
        return found if isinstance(found, str) else chosen(found, self.each, shuffling(feature))
