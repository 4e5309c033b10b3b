"""The strongest firings in a slice: of features, and of random encoder directions that they are held against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..activations.store import Firings
from ..statistics.directions import DirectionModel
from ..statistics.reading import rank_weights
from .slices import Slice

# Numbers of strongest firings that may be looked at; of a feature, the largest that it reaches.
LEVELS = (16, 32, 64, 128, 256, 512)
_BATCH = 256


@dataclass(frozen=True)
class Strongest:
    """Where in the slice each reader fires most, (F, LEVELS[-1]) strongest first, -1 behind the last firing.

    `level` (F,) says on how many firings a reader is looked at: LEVELS[level], -1 where it has too few.
    """

    at: np.ndarray
    level: np.ndarray

    @classmethod
    def of_firings(cls, read: Slice, firings: Sequence[Firings]) -> Strongest:
        """Of features, from their firings."""
        at = np.full((len(firings), LEVELS[-1]), -1, np.int64)
        for row, found in zip(at, firings, strict=True):
            strongest = read.strongest(found, LEVELS[-1])
            row[: len(strongest)] = strongest
        return cls(at, np.searchsorted(LEVELS, (at >= 0).sum(axis=1), side="right") - 1)

    def part(self, own: slice) -> Strongest:
        """Some of the readers."""
        return Strongest(self.at[own], self.level[own])

    def shares(self, marked: np.ndarray) -> np.ndarray:
        """Share (F,) of the weight of each reader's firings that falls on marked tokens of the slice (n,) bool.

        NaN where there are too few firings.
        """
        found = np.full(len(self.at), np.nan)
        for level in np.unique(self.level[self.level >= 0]).tolist():
            own, firings = self.level == level, LEVELS[level]
            found[own] = marked[self.at[own, :firings]] @ rank_weights(firings)
        return found

    def weights(self, row: int, tokens: int) -> np.ndarray:
        """Weight (tokens,) of one reader's firings at each token of the slice; all 0 where there are too few."""
        found = np.zeros(tokens)
        if self.level[row] >= 0:
            firings = LEVELS[self.level[row]]
            found[self.at[row, :firings]] = rank_weights(firings)
        return found


def of_directions(values: np.ndarray, model: DirectionModel, count: int, seed: Sequence[int]) -> Iterator[np.ndarray]:
    """Where in a slice each of `count` random directions is largest, (batch, LEVELS[-1]), strongest first.

    `values` (n, width) float32 are those that the encoder reads at the slice's tokens.
    """
    columns = torch.from_numpy(values.T)
    for start in range(0, count, _BATCH):
        directions = model.sample(min(_BATCH, count - start), [*seed, start])
        most = min(LEVELS[-1], columns.shape[1])
        yield (directions @ columns).topk(most, dim=1).indices.numpy()
