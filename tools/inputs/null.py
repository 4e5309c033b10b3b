"""What random encoder directions show on a slice: reading shares of the tokens where each is largest.

Directions have the mean and covariance of the encoder's live rows (STATISTICS.md, section 13). A bias would only say
where a direction stops firing; the share looks at as many strongest tokens of it as of the feature.

A direction keeps its taste from document to document, so other documents cannot make up for the many sets that were
tried: that does the largest share of each random direction over all sets, by its odds in units of those that are rare
for each set (Westfall and Young 1993). Odds, since a share has a bound that wide sets would soon come to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..directions import SEED
from ..progress import Progress, silent
from ..statistics.directions import DirectionModel
from ..statistics.reference import ReferenceDistribution, collect
from .places import Places
from .strongest import LEVELS, Strongest, of_directions

PILOT = 2048  # directions that say what is rare for a set
DECOYS = 1024
RARE = 0.999
_ROUNDING = 1e-9  # equal shares are sums in another order


@dataclass(frozen=True)
class ReadingNull:
    """Null shares at each level, the columns of one level after those of another.

    `rare` (levels, columns) is the share that one direction in a thousand exceeds, `maxima` (levels, directions) the
    largest odds ratio to it over all columns, `strongest` (directions, LEVELS[-1]) where in the slice each is largest.
    `decoys`, the same of directions that had no part in any of this.
    """

    reference: ReferenceDistribution
    rare: np.ndarray
    maxima: np.ndarray
    strongest: np.ndarray
    decoys: np.ndarray

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

    def marked_p_values(self, readers: Strongest, marked: np.ndarray, directions: int | None = None) -> np.ndarray:
        """p (F,) of the shares of any marked tokens of the slice (n,) bool, from the first `directions` (default: all).

        NaN where a reader has too few firings.
        """
        shares, p = readers.shares(marked), np.full(len(readers.level), np.nan)
        at = self.strongest[:directions]
        for one in np.unique(readers.level[readers.level >= 0]).tolist():
            own = readers.level == one
            random = np.sort(Strongest(at, np.full(len(at), one)).shares(marked))
            as_large = len(random) - np.searchsorted(random, shares[own] * (1 - _ROUNDING))
            p[own] = (as_large + 1) / (len(random) + 1)
        return p

    def family_p_values(self, shares: np.ndarray, level: np.ndarray) -> np.ndarray:
        """p (F, columns) that the largest odds ratio over all columns of a random direction is as large."""
        p = np.full(shares.shape, np.nan)
        for one in np.unique(level[level >= 0]).tolist():
            maxima = np.sort(self.maxima[one])
            below = np.searchsorted(maxima, odds_ratios(shares[level == one], self.rare[one], LEVELS[one]), side="left")
            p[level == one] = (len(maxima) - below + 1) / (len(maxima) + 1)
        return p


def reading_null(
    values: np.ndarray, places: Places, model: DirectionModel, draws: int, seed: int, progress: Progress = silent
) -> ReadingNull:
    """The null of the columns of `places`, from so many directions; `values` as `of_directions` takes them.

    The decoys of every seed are the same directions.
    """
    pilot: list[np.ndarray] = []
    for at in of_directions(values, model, PILOT, [seed, 0]):
        pilot.append(places.shares(at, LEVELS))
        progress("reference directions (pilot)", sum(map(len, pilot)), PILOT)
    rare = _rare(places, np.concatenate(pilot))
    maxima: list[np.ndarray] = []
    strongest: list[np.ndarray] = []

    def batches() -> Iterator[np.ndarray]:
        for at in of_directions(values, model, draws, [seed, 1]):
            shares = places.shares(at, LEVELS)
            maxima.append(odds_ratios(shares, rare, np.array(LEVELS)[:, None]).max(axis=2))
            strongest.append(at.astype(np.int32))
            yield shares.reshape(len(shares), -1)
            progress("reference directions (reading)", sum(map(len, maxima)), draws)

    reference = collect(batches(), draws)
    decoys = np.concatenate(list(of_directions(values, model, DECOYS, [SEED["reading_decoy"]])))
    return ReadingNull(reference, rare, np.concatenate(maxima).T, np.concatenate(strongest), decoys.astype(np.int32))


def odds_ratios(shares: np.ndarray, rare: np.ndarray, firings: np.ndarray | int) -> np.ndarray:
    """Odds of shares over those of what is rare; half a firing keeps those of a share of 1 finite."""
    spare = 0.5 / np.asarray(firings)
    return (shares / (1 - shares + spare) / (rare / (1 - rare + spare))).astype(np.float32)


def _rare(places: Places, shares: np.ndarray) -> np.ndarray:
    """What is rare at each level and column, never less than twice what tokens at large have, nor one weak firing."""
    weakest = 2 / np.array(LEVELS)[:, None]
    return np.maximum(np.quantile(shares, RARE, axis=0), np.maximum(2 * places.base, weakest))
