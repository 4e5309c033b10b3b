"""Output detection: whether a judge tells from a label which of two lists of test tokens the feature promotes.

Of the two lists one holds test tokens that the feature promotes most, the other tokens matched to them. In the manner
of the output-based evaluation of Gur-Arieh et al. 2025 (arXiv:2501.08319), which asks for the text that a feature
steered; here no model is run. Labels are asked what the feature promotes, not what it suppresses. Each pair of lists is
asked about in both orders, in different prompts.
"""

from __future__ import annotations

import numpy as np

from ..judge.batches import dealt_pairs, shuffling
from ..judge.judge import Judge, Question
from ..judge.measures import balanced_accuracy
from ..judge.prompts import JSON_ALONE
from ..judge.reading import choice
from ..judge.windows import numbered
from ..scores import Score, Statement
from .judged import JudgedScorer

TOKENS = 5  # in a list
LISTS = 10  # pairs of them
_CLASSES = ("lists that stand first", "lists that stand second")
_SYSTEM = f"""\
A feature of a language model promotes some next tokens. A label says which. Each of the numbered questions shows two \
lists of tokens, A and B (\u2423 is a space): one holds tokens that the feature promotes, the other one tokens that it \
does not. Answer with the letter of the list that it promotes according to the label.
{JSON_ALONE.format(answer='"A" or "B"', example='{"1": "B", "2": "A"}')}"""

Lists = tuple[list[int], list[int]]  # promoted tokens, and matched ones


class OutputDetection(JudgedScorer[tuple[Lists, ...]]):
    """Share of the lists found, averaged over both orders."""

    name, side, chance = "output-detection", "output", 0.5

    def items(self, feature: int) -> tuple[Lists, ...] | str:
        """Pairs of lists, or why there are too few tokens."""
        found = self._exam.tokens.items(feature, "promotes")
        if isinstance(found, str):
            return found
        count = min(len(found.extreme), LISTS * TOKENS)
        if count < TOKENS:
            return f"{count} test tokens that it promotes, {TOKENS} needed"
        order = shuffling(feature).permutation(count)
        parts = np.array_split(order, count // TOKENS)
        return tuple((found.extreme[part].tolist(), found.matched[part].tolist()) for part in parts)

    async def score(self, feature: int, items: tuple[Lists, ...], statement: Statement, judge: Judge) -> Score:
        """Asks about each pair with the promoted list first and second: so stand the answers (0: A) in the details."""
        shown = [[[self._vocabulary.shown(token) for token in one] for one in pair] for pair in items]
        batch = judge.settings.batch

        def asked(place: int) -> dict[str, list[str]]:
            pair = shown[place // 2]
            return dict(zip("AB", pair[::-1] if place % 2 else pair, strict=True))

        answers = await judge.answers(
            feature,
            dealt_pairs(len(items), batch, shuffling(feature)),
            lambda places: Question(
                _SYSTEM,
                {"label": statement.text, "questions": numbered(asked(place) for place in places)},
                len(places),
                choice("AB"),
            ),
        )
        return answers.score(
            lambda there, found: balanced_accuracy([place % 2 for place in there], found, _CLASSES), batch=batch
        )
