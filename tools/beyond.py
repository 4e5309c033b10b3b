"""What sets of tokens add to each other: partial correlations with mass weights, judged by reference directions.

The reference directions are those of the rank index, so that a set costs no more than reading its members' ranks.
"""

from __future__ import annotations

import functools

import numpy as np

from .rank_index import RankIndex
from .statistics.directions import NullName
from .statistics.overlap import correlation_of_counts, partial_correlation
from .statistics.p_values import PValues
from .statistics.reference import counted

_KEPT = 512  # sets whose masses are kept, 32 kB each


class References:
    """Side weights of token sets in the R reference directions of one null.

    `index` ranks the tokens by whitened weights. Values and p-values have two columns, promoted and suppressed.
    """

    def __init__(self, index: RankIndex, null: NullName) -> None:
        self._rankings, self._rows, self._null = index.rankings, index.references(null), null
        self.tokens = index.rankings.ranks.shape[0]
        self._variation = self._rankings.variation(self._rows)
        self._masses = functools.lru_cache(_KEPT)(self._read)

    def masses(self, members: np.ndarray) -> np.ndarray:
        """Mass (R, 2) of a set of token positions, int64; those of the last sets are kept."""
        return self._masses(members.tobytes())

    def _read(self, members: bytes) -> np.ndarray:
        return self._rankings.masses(np.frombuffer(members, np.int64), self._rows)["mass"]

    def means(self, members: np.ndarray) -> np.ndarray:
        """Mean side weight of the members, over that of all tokens: (R, 2)."""
        return np.exp(self.masses(members))

    def correlations(self, means: np.ndarray, size: int) -> np.ndarray:
        """Correlation (R, 2) of the side weights with membership in a set of this size, from its `means`."""
        return (means - 1) / self._variation * np.sqrt(size / (self.tokens - size))

    def overlap(self, shared: int, one: int, other: int) -> np.ndarray:
        """Correlation of membership in two sets of these sizes that share so many tokens."""
        counts = np.array([shared, one, other], dtype=np.float64)
        return correlation_of_counts(counts[0], counts[1], counts[2], self.tokens)

    def added(
        self, observed: tuple[np.ndarray, np.ndarray], drawn: tuple[np.ndarray, np.ndarray], overlap: np.ndarray
    ) -> tuple[np.ndarray, PValues]:
        """What the first of two sets adds to the second: partial correlations (F, 2) and how unlikely they are.

        From the correlations of both in features, `observed` (F, 2), and in the reference directions, `drawn` (R, 2).
        p is 1 where the correlation turns its sign beside the other set, NaN where both are the same set.
        """
        found = partial_correlation(*observed, overlap)
        counts = self.p_values(found.b_given_a, partial_correlation(*drawn, overlap).b_given_a)
        known = ~np.isnan(found.b_given_a)
        p = np.where(found.agrees | ~known, counts.p, 1.0)
        return found.b_given_a, PValues(p, np.where(found.agrees | ~known, counts.log10_error, 0.0))

    def p_values(self, values: np.ndarray, drawn: np.ndarray) -> PValues:
        """How often `drawn` (R, 2) reaches `values` (F, 2), by counting."""
        # An isotropic direction is as likely as its negative, so both sides share one distribution.
        columns = [drawn.ravel()] if self._null == "present" else list(drawn.T)
        ordered, count = [np.sort(column) for column in columns], len(columns[0])
        exceed = [count - np.searchsorted(ordered[side % len(ordered)], values[:, side]) for side in range(2)]
        return counted(np.where(np.isnan(values), np.nan, np.stack(exceed, axis=1)), count)
