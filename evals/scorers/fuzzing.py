"""Fuzzing: whether a judge tells from a label at which token of a held-out context the feature fires.

Paulo et al. 2024 (arXiv:2410.13928): marked tokens are those that the feature fires on, or others. Here one token is
marked, and each context is asked about twice, in different prompts: marked where the feature fires, and marked at a
token nearby where it is silent. Both tokens stand anywhere in the text, so that neither the text nor the place of the
mark tells which one it is.
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
_LENGTH = 33  # tokens shown
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
        """Contexts with a firing and a silent token, or why there are too few."""
        found = self._exam.contexts.items(feature)
        if isinstance(found, str):
            return found
        rng = shuffling(feature)
        special = np.array(sorted(self._vocabulary.special), np.int64)
        pairs = [_pair(found.firing[place].context, special, rng) for place in rng.permutation(len(found.firing))]
        there = tuple(pair for pair in pairs if pair is not None)[:CONTEXTS]
        if len(there) < MIN_CONTEXTS:
            return f"{len(there)} held-out contexts in which some token is silent, {MIN_CONTEXTS} needed"
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
    """A context marked where it fires and at a silent token nearby, both anywhere in it; None where there is none."""
    fires, length = context.position, len(context.tokens)
    nearby = np.arange(max(0, fires - _LENGTH // 2), min(length, fires + _LENGTH // 2 + 1))
    silent = nearby[(context.activations[nearby] == 0) & ~np.isin(context.tokens[nearby], special)]
    if not len(silent):
        return None
    other = int(rng.choice(silent))
    earliest, latest = max(0, max(fires, other) - _LENGTH + 1), min(fires, other, max(0, length - _LENGTH))
    begin = int(rng.integers(earliest, latest + 1))
    right, wrong = (Window.of(context, begin, begin + _LENGTH, place) for place in (fires, other))
    return right, wrong
