"""What random encoder directions show on a slice: reading shares of the tokens where each is largest.

Directions have the mean and covariance of the encoder's live rows (STATISTICS.md, section 13). A bias would only say
where a direction stops firing; the share looks at as many strongest tokens of it as of the feature.

A direction keeps its taste from document to document, so other documents cannot make up for the many sets that were
tried: that does the largest share of each random direction over all sets, in units of what is rare for each set
(Westfall and Young 1993).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ..progress import Progress, silent
from ..statistics.directions import DirectionModel
from ..statistics.reference import ReferenceDistribution, collect
from .places import Places
from .slices import Slice

# Numbers of strongest firings that may be looked at; of a feature, the largest that it reaches.
LEVELS = (16, 32, 64, 128, 256, 512)
PILOT = 2048  # directions that say what is rare for a set
RARE = 0.999
_BATCH = 256


@dataclass(frozen=True)
class ReadingNull:
    """Null shares at each level, the columns of one level after those of another.

    `rare` (levels, columns) is the share that one direction in a thousand exceeds, `maxima` (levels, directions) the
    largest ratio to it over all columns.
    """

    reference: ReferenceDistribution
    rare: np.ndarray
    maxima: np.ndarray

    def p_values(self, shares: np.ndarray, level: np.ndarray) -> np.ndarray:
        """One-sided p (F, columns) of shares (F, columns) of features looked at on LEVELS[level] (F,) firings.

        NaN where level is negative.
        """
        p = np.full(shares.shape, np.nan)
        width = shares.shape[1]
        for one in np.unique(level[level >= 0]).tolist():
            own = slice(one * width, (one + 1) * width)
            reference = ReferenceDistribution(self.reference.count, self.reference.tail[own], self.reference.bulk[own])
            p[level == one] = reference.p_values(shares[level == one].astype(np.float64))
        # Most directions have none of a small set: what is never reached from below says nothing.
        p[(shares == 0) & ~np.isnan(p)] = 1
        return p

    def family_p_values(self, shares: np.ndarray, level: np.ndarray) -> np.ndarray:
        """p (F, columns) that the largest ratio over all columns of a random direction is as large."""
        p = np.full(shares.shape, np.nan)
        for one in np.unique(level[level >= 0]).tolist():
            maxima = np.sort(self.maxima[one])
            below = np.searchsorted(maxima, shares[level == one] / self.rare[one], side="left")
            p[level == one] = (len(maxima) - below + 1) / (len(maxima) + 1)
        return p


def reading_null(
    read: Slice, places: Places, model: DirectionModel, draws: int, seed: int, progress: Progress = silent
) -> ReadingNull:
    """The null of the columns of `places`, from so many directions."""
    columns = torch.from_numpy(np.ascontiguousarray(read.read.T))
    rare = _rare(places, np.concatenate(list(_shares(columns, places, model, PILOT, [seed, 0]))))
    maxima: list[np.ndarray] = []

    def batches() -> Iterator[np.ndarray]:
        for shares in _shares(columns, places, model, draws, [seed, 1]):
            maxima.append((shares / rare).max(axis=2))
            yield shares.reshape(len(shares), -1)
            progress("reference directions (reading)", sum(map(len, maxima)), draws)

    return ReadingNull(collect(batches(), draws), rare, np.concatenate(maxima).T)


def _shares(
    columns: torch.Tensor, places: Places, model: DirectionModel, draws: int, seed: list[int]
) -> Iterator[np.ndarray]:
    """Shares (directions, levels, columns of places) batch by batch."""
    for start in range(0, draws, _BATCH):
        directions = model.sample(min(_BATCH, draws - start), [*seed, start])
        at = (directions @ columns).topk(min(LEVELS[-1], columns.shape[1]), dim=1).indices.numpy()
        yield places.shares(at, LEVELS)


def _rare(places: Places, shares: np.ndarray) -> np.ndarray:
    """What is rare at each level and column, never less than twice what tokens at large have, nor one weak firing."""
    weakest = 2 / np.array(LEVELS)[:, None]
    return np.maximum(np.quantile(shares, RARE, axis=0), np.maximum(2 * places.base, weakest))
