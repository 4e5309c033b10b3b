"""Intruder: whether a judge finds the one context of another feature among contexts of this one.

Paulo & Belrose 2025 (arXiv:2507.08473). No label is shown: the score is of the feature, how far what it fires on has
something in common that a reader sees. It bounds what any label can explain and is the same for all runs on a subject,
so labels are not compared by it, and it has no control among statements; controls are the features of random models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..exam.items import ContextItem, ContextItems
from ..judge.batches import shuffling
from ..judge.judge import Judge, Question
from ..judge.measures import balanced_accuracy
from ..judge.prompts import JSON_ALONE
from ..judge.reading import choice
from ..judge.windows import Window
from ..scores import Score, Statement
from .judged import JudgedScorer

SHOWN = 5  # contexts in a question, one of them the intruder
ROUNDS = 2  # how often the intruder stands at each place
_LETTERS = "ABCDE"
_ORDINARY = ("neighbour", "random", "same token")  # kinds of silent contexts, those of other features first
_SYSTEM = f"""\
A feature of a language model fires at the tokens that are marked \u00ablike this\u00bb in all of the texts but one: \
in that one, the marked token has nothing to do with the feature. Find what the others have in common, and answer \
question 1 with the letter of the text that does not belong to them.
{JSON_ALONE.format(answer="a letter", example='{"1": "C"}')}"""


@dataclass(frozen=True)
class Trial:
    """Contexts of one question, and the place of the intruder among them."""

    contexts: tuple[ContextItem, ...]
    intruder: int


class Intruder(JudgedScorer[tuple[Trial, ...]]):
    """Share of intruders found, averaged over the places that they stand at; the statement is ignored."""

    name, side, chance = "intruder", "input", 1 / SHOWN
    about: ClassVar[Literal["label", "feature"]] = "feature"

    def items(self, feature: int) -> tuple[Trial, ...] | str:
        """As many questions with the intruder at each place, or why there are too few contexts."""
        found = self._exam.contexts.items(feature)
        if isinstance(found, str):
            return found
        count = SHOWN * ROUNDS
        if len(found.firing) < SHOWN - 1 or len(found.silent) < count:
            return f"{len(found.firing)} firing and {len(found.silent)} silent contexts, {SHOWN - 1} and {count} needed"
        rng = shuffling(feature)
        silent = sorted(rng.permutation(np.arange(len(found.silent))).tolist(), key=lambda k: _order(found.silent[k]))
        places = rng.permutation(np.arange(count) % SHOWN).tolist()
        return tuple(_trial(found, found.silent[k], place, rng) for k, place in zip(silent, places, strict=False))

    def says_anything(self, statement: Statement) -> bool:
        """True: nothing is asked of the statement."""
        return True

    async def score(self, feature: int, items: tuple[Trial, ...], statement: Statement, judge: Judge) -> Score:
        """Asks one question in each prompt: contexts of the feature in other questions would give the intruder away."""
        answers = await judge.answers(
            feature, [[place] for place in range(len(items))], lambda one: self._ask(items[one[0]])
        )
        truth = [trial.intruder for trial in items]
        classes = [f"intruders at {letter}" for letter in _LETTERS]
        return answers.score(
            lambda there, found: balanced_accuracy([truth[place] for place in there], found, classes),
            batch=1,
            shown_contexts=SHOWN,
        )

    def _ask(self, trial: Trial) -> Question:
        texts = [Window.around(one).text(self._vocabulary, marked=True) for one in trial.contexts]
        return Question(_SYSTEM, {"texts": dict(zip(_LETTERS, texts, strict=True))}, 1, choice(_LETTERS))


def _order(item: ContextItem) -> int:
    return _ORDINARY.index(item.kind) if item.kind in _ORDINARY else len(_ORDINARY)


def _trial(items: ContextItems, intruder: ContextItem, place: int, rng: np.random.Generator) -> Trial:
    others = [items.firing[k] for k in rng.permutation(len(items.firing))[: SHOWN - 1].tolist()]
    return Trial((*others[:place], intruder, *others[place:]), place)
