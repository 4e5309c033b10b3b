"""Simulation: how well activations that a judge predicts from a label follow the real ones, token by token.

Bills et al. 2023, "Language models can explain neurons in language models" (OpenAI): Pearson's correlation over the
concatenated tokens of all contexts. There, expected values come from the probabilities of digits, which few servers
give any more; here the judge says a number from 0 to 10 for each token of one context at a time, half of the contexts
being silent ones.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..exam.items import ContextItems
from ..judge.agreement import Scale
from ..judge.judge import Judge, Question
from ..judge.measures import correlation
from ..judge.prompts import JSON_ALONE
from ..judge.reading import RATING
from ..judge.windows import Window, numbered
from ..scores import Score, Statement
from .judged import ContextScorer

_SYSTEM = f"""\
A feature of a language model fires at some tokens of texts, more or less strongly, and is silent at others. A label \
says where it fires. For each of the numbered tokens of a text (\u2423 is a space), answer how strongly the feature \
fires at it according to the label: from 0 (silent) to 10 (as strongly as anywhere). Most tokens are 0.
{JSON_ALONE.format(answer="0 to 10", example='{"1": 0, "2": 7}')}"""


class Simulation(ContextScorer):
    """Pearson's correlation over the tokens that were answered; 0 for answers that are all the same."""

    name, side, chance = "simulation", "input", 0.0
    each: ClassVar[int] = 5
    scale: ClassVar[Scale | None] = "interval"

    async def score(self, feature: int, items: ContextItems, statement: Statement, judge: Judge) -> Score:
        """Asks about the tokens of one context in each prompt; items and answers of the score are tokens."""
        windows = [Window.around(item) for item in items.firing + items.silent]
        tokens = np.concatenate([window.tokens for window in windows]).tolist()
        truth = np.concatenate([window.activations for window in windows]).tolist()
        ends = np.cumsum([len(window.tokens) for window in windows]).tolist()
        answers = await judge.answers(
            feature,
            [range(end - len(window.tokens), end) for window, end in zip(windows, ends, strict=True)],
            lambda places: Question(
                _SYSTEM,
                {
                    "label": statement.text,
                    "tokens": numbered(self._vocabulary.shown(tokens[place]) for place in places),
                },
                len(places),
                RATING,
            ),
        )
        return answers.score(
            lambda there, found: correlation([truth[place] for place in there], found),
            batch=1,
            contexts=len(windows),
        )
