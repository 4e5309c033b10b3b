"""Fuzzing: whether a judge tells from a label at which token of a held-out context the feature fires.

Paulo et al. 2024 (arXiv:2410.13928): marked tokens are those that the feature fires on, or others. Here one token is
marked, and each context is asked about twice, in different prompts: marked where the feature fires, and marked at a
token nearby where it is silent. Neither the text nor the place of the mark in it tells which one it is.
"""

from __future__ import annotations

import numpy as np

from ...tools.activations.part import Context
from ..judge.batches import dealt_pairs, shuffling
from ..judge.judge import Judge, Question
from ..judge.measures import balanced_accuracy
from ..judge.prompts import JSON_ALONE
from ..judge.reading import BIT
from ..judge.windows import Window, numbered
from ..scores import Score, Statement
from .judged import JudgedScorer

CONTEXTS, MIN_CONTEXTS = 20, 5  # each marked rightly and wrongly
REACH = 16  # tokens between both at most; twice as many and one are shown
_CLASSES = ("wrongly marked contexts", "rightly marked contexts")
_SYSTEM = f"""\
A feature of a language model fires at some tokens of texts and is silent at others. A label says where it fires. In \
each of the numbered texts, one token is marked \u00ablike this\u00bb. Answer 1 if the feature fires at the marked \
token according to the label, and 0 if it does not.
{JSON_ALONE.format(answer="1 or 0", example='{"1": 0, "2": 1}')}"""

Pair = tuple[Window, Window]  # the same tokens, marked rightly and wrongly


class Fuzzing(JudgedScorer[tuple[Pair, ...]]):
    """Balanced accuracy of the judge's answers: rightly or wrongly marked."""

    name, side, chance = "fuzzing", "input", 0.5

    def items(self, feature: int) -> tuple[Pair, ...] | str:
        """Contexts with a silent token near the firing one, or why there are too few."""
        found = self._exam.contexts.items(feature)
        if isinstance(found, str):
            return found
        rng = shuffling(feature)
        special = np.array(sorted(self._vocabulary.special), np.int64)
        pairs = [_pair(found.firing[place].context, special, rng) for place in rng.permutation(len(found.firing))]
        there = tuple(pair for pair in pairs if pair is not None)[:CONTEXTS]
        if len(there) < MIN_CONTEXTS:
            return f"{len(there)} held-out contexts with silent tokens on both sides, {MIN_CONTEXTS} needed"
        return there

    async def score(self, feature: int, items: tuple[Pair, ...], statement: Statement, judge: Judge) -> Score:
        """Asks about each context twice: the answers in the details are those about right and wrong marks in turn."""
        texts = [window.text(self._vocabulary, marked=True) for pair in items for window in pair]
        batch = judge.settings.batch
        answers = await judge.answers(
            feature,
            dealt_pairs(len(items), batch, shuffling(feature)),
            lambda places: Question(
                _SYSTEM,
                {"label": statement.text, "texts": numbered(texts[place] for place in places)},
                len(places),
                BIT,
            ),
        )
        return answers.score(
            lambda there, found: balanced_accuracy([1 - place % 2 for place in there], found, _CLASSES), batch=batch
        )


def _pair(context: Context, special: np.ndarray, rng: np.random.Generator) -> Pair | None:
    """A context marked where it fires and at a silent token nearby, behind or before it with equal chances.

    Both stand anywhere in a window that never reaches an end of the row, where there is one side alone. None where the
    token is too near to an end, or all tokens on one side fire.
    """
    fires, length = context.position, len(context.tokens)
    reach = min(fires, length - 1 - fires, 2 * REACH) // 2
    silent = (context.activations == 0) & ~np.isin(context.tokens, special)
    sides = [fires + sign * np.flatnonzero(silent[fires + sign * np.arange(1, reach + 1)]) + sign for sign in (-1, 1)]
    if not all(len(side) for side in sides):
        return None
    other = int(rng.choice(sides[rng.integers(2)]))
    begin = int(rng.integers(max(fires, other) - 2 * reach, min(fires, other) + 1))
    right, wrong = (Window.of(context, begin, begin + 2 * reach + 1, place) for place in (fires, other))
    return right, wrong
