"""A part of an activation index: the rows on some sides of the partition. Nothing else can be reached through it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .partition import SIDES, Side
from .store import ActivationStore, Firings

BINS = 20


@dataclass(frozen=True)
class FiringStats:
    """How often and how much a feature fires on a part.

    `tokens` of text were read; density is `firings / tokens`; `mean` is over firings; `histogram` counts firings in
    BINS bins of equal width from 0 to `max`. Figures of a feature that never fires are None.
    """

    tokens: int
    firings: int
    density: float
    max: float | None
    mean: float | None
    histogram: list[int]


@dataclass(frozen=True)
class Context:
    """A row of the part around a position: its token ids, where in it the position is, the feature's activations."""

    document: str
    row: int
    tokens: np.ndarray
    activations: np.ndarray
    position: int


class Part:
    """The rows of an index on given sides."""

    def __init__(self, store: ActivationStore, sides: Sequence[Side], special: frozenset[int]) -> None:
        self._store, self.sides = store, tuple(sides)
        self._of_part = np.isin(store.rows.sides, [SIDES.index(side) for side in sides])
        self._special = np.array(sorted(special), np.int64)

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """Rows of the part, ascending."""
        return np.flatnonzero(self._of_part)

    @functools.cached_property
    def token_counts(self) -> np.ndarray:
        """How often each token id occurs in the part, up to the largest that does; special tokens do not count."""
        counts = np.zeros(1, np.int64)
        for chunk, first in zip(self._store.chunks, self._store.firsts, strict=False):
            tokens = np.asarray(chunk["tokens"], np.int64)
            own = tokens[self._of_part[self._store.rows.of(first + np.arange(len(tokens)))]]
            found = np.bincount(own, minlength=len(counts))
            found[: len(counts)] += counts
            counts = found
        counts[self._special[self._special < len(counts)]] = 0
        return counts

    def firings(self, feature: int) -> Firings:
        """Where the feature fires on the part."""
        found = self._store.firings(feature)
        return found.where(self._of_part[self._store.rows.of(found.positions)])

    def stats(self, feature: int) -> FiringStats:
        """Counts, density and amounts of a feature."""
        values = self.firings(feature).values
        tokens, largest = int(self.token_counts.sum()), float(values.max()) if len(values) else None
        histogram = np.histogram(values, BINS, (0, largest or 1.0))[0]
        mean = float(values.mean(dtype=np.float64)) if len(values) else None
        return FiringStats(tokens, len(values), len(values) / max(1, tokens), largest, mean, histogram.tolist())

    def token_means(self, feature: int) -> tuple[np.ndarray, np.ndarray]:
        """Token ids that the feature fires on and its mean activation over all of their occurrences in the part."""
        found = self.firings(feature)
        tokens = self._store.tokens(found.positions)
        sums = np.bincount(tokens, found.values.astype(np.float64), minlength=len(self.token_counts))
        ids = np.unique(tokens)
        return ids, sums[ids] / self.token_counts[ids]

    def tokens(self, positions: np.ndarray) -> np.ndarray:
        """Token ids at positions of the part; raises KeyError for positions elsewhere."""
        if not self._of_part[self._store.rows.of(positions)].all():
            raise KeyError("a position outside the part")
        return self._store.tokens(positions)

    def context(self, position: int, firings: Firings) -> Context:
        """The row of a position with the activations of a feature, given its firings on the part."""
        table = self._store.rows
        row = int(table.of(np.array([position]))[0])
        if not self._of_part[row]:
            raise KeyError("a position outside the part")
        start, stop = int(table.starts[row]), int(table.starts[row + 1])
        own = slice(*np.searchsorted(firings.positions, [start, stop]).tolist())
        activations = np.zeros(stop - start, np.float32)
        activations[firings.positions[own] - start] = firings.values[own]
        return Context(f"{table.keys[row]:016x}", row, self._store.row_tokens(row), activations, position - start)


def explore(store: ActivationStore, special: frozenset[int]) -> Part:
    """The open side: what tools, labelers and people may look at."""
    return Part(store, ("open",), special)
