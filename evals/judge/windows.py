"""Contexts as a judge is shown them: so many tokens around a position, as text, in which one token may be marked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tools.activations.part import Context
from ...tools.inert import inert
from ...tools.vocabulary import Vocabulary
from ..exam.items import ContextItem, ContextItems

# Within the context that is free of firings around a silent position (`examples.BEFORE` and `AFTER`).
BEFORE, BEHIND = 24, 8
_MARKS = str.maketrans("\u00ab\u00bb", "\u2039\u203a")  # marks that stand in the text itself


@dataclass(frozen=True)
class Window:
    """Consecutive tokens (n,) of a context, the feature's activations there, and the place of one of them."""

    tokens: np.ndarray
    activations: np.ndarray
    place: int

    @classmethod
    def around(cls, item: ContextItem) -> Window:
        """The tokens around an item's position."""
        position = item.context.position
        return cls.of(item.context, max(0, position - BEFORE), position + BEHIND + 1, position)

    @classmethod
    def of(cls, context: Context, begin: int, end: int, position: int) -> Window:
        """The tokens from `begin` to before `end`, one of which is at `position`."""
        return cls(context.tokens[begin:end], context.activations[begin:end], position - begin)

    def text(self, vocabulary: Vocabulary, *, marked: bool = False) -> str:
        """The text of the tokens, inert; \u00ab\u00bb stand around the marked one and nowhere else."""
        spelled, starts, stops = vocabulary.spelled(self.tokens)
        text = spelled.translate(_MARKS)
        if marked:
            start, stop = int(starts[self.place]), int(stops[self.place])
            text = f"{text[:start]}\u00ab{text[start:stop]}\u00bb{text[stop:]}"
        return inert(text)


def chosen(items: ContextItems, most: int, rng: np.random.Generator) -> ContextItems:
    """Up to `most` firing and as many silent contexts, drawn at random."""
    count = min(most, len(items.firing), len(items.silent))

    def some(given: tuple[ContextItem, ...]) -> tuple[ContextItem, ...]:
        return tuple(given[place] for place in np.sort(rng.permutation(len(given))[:count]).tolist())

    return ContextItems(some(items.firing), some(items.silent), items.density)


def numbered(entries: Iterable[Any]) -> dict[str, Any]:
    """Entries by their numbers, from 1."""
    return {str(number): entry for number, entry in enumerate(entries, 1)}
