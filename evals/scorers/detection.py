"""Detection: whether a judge tells from a label in which held-out contexts the feature fires.

Paulo et al. 2024 (arXiv:2410.13928), where a context is shown without marks and firing ones stand among silent ones.
Here as many silent as firing contexts are asked about, hard negatives among them, and the value is balanced accuracy.
"""

from __future__ import annotations

from ..exam.items import ContextItems
from ..judge.batches import dealt, shuffling
from ..judge.judge import Judge, Question
from ..judge.measures import balanced_accuracy
from ..judge.prompts import JSON_ALONE
from ..judge.reading import BIT
from ..judge.windows import Window, numbered
from ..scores import Score, Statement
from .judged import ContextScorer

CLASSES = ("silent contexts", "firing contexts")
_SYSTEM = f"""\
A feature of a language model fires in some texts and is silent in others. A label says where it fires. For each of \
the numbered texts, answer 1 if the feature fires somewhere in it according to the label, and 0 if it does not.
{JSON_ALONE.format(answer="1 or 0", example='{"1": 0, "2": 1}')}"""


class Detection(ContextScorer):
    """Balanced accuracy of the judge's answers: fires or silent."""

    name, side, chance = "detection", "input", 0.5

    async def score(self, feature: int, items: ContextItems, statement: Statement, judge: Judge) -> Score:
        """Asks about the firing contexts, which the answers in the details begin with, and the silent ones."""
        texts = [Window.around(item).text(self._vocabulary) for item in items.firing + items.silent]
        truth = [1] * len(items.firing) + [0] * len(items.silent)
        batch = judge.settings.batch
        answers = await judge.answers(
            feature,
            dealt(truth, batch, shuffling(feature)),
            lambda places: Question(
                _SYSTEM,
                {"label": statement.text, "texts": numbered(texts[place] for place in places)},
                len(places),
                BIT,
            ),
        )
        return answers.score(
            lambda there, found: balanced_accuracy([truth[place] for place in there], found, CLASSES), batch=batch
        )
