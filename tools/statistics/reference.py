"""Empirical null distributions: statistics of many reference directions, kept as exact tails and bulk quantiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

TAIL_SHARE = 0.06
BULK_POINTS = 401


@dataclass(frozen=True)
class ReferenceDistribution:
    """Null values of `columns` statistics over `count` reference draws.

    `tail` (columns, T) holds the T largest values of each column in ascending order, `bulk` (columns, Q) evenly spaced
    quantiles. Tail p-values are exact counts, (r + 1) / (n + 1); in the bulk r is interpolated.
    """

    count: int
    tail: np.ndarray
    bulk: np.ndarray

    def p_values(self, values: np.ndarray) -> np.ndarray:
        """Upper-tail p (F, columns) of observed values (F, columns); NaN where the value is NaN."""
        p = np.full(values.shape, np.nan)
        levels = np.linspace(0, 1, self.bulk.shape[1])
        kept = self.tail.shape[1]
        for column in range(values.shape[1]):
            observed = values[:, column]
            # Draws at least as large as the observed value count against it.
            larger = kept - np.searchsorted(self.tail[column], observed, side="left")
            below = np.interp(observed, self.bulk[column], levels)
            in_bulk = np.maximum(kept, self.count * (1 - below))
            exceed = np.where(observed > self.tail[column, 0], larger, in_bulk)
            p[:, column] = np.where(np.isnan(observed), np.nan, (exceed + 1) / (self.count + 1))
        return p

    def select(self, columns: list[int]) -> ReferenceDistribution:
        """The distribution of some columns only."""
        return ReferenceDistribution(self.count, self.tail[columns], self.bulk[columns])

    def strength(self, values: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """How many null spreads (median to 95 % quantile) each value lies above the null median of its column."""
        levels = np.linspace(0, 1, self.bulk.shape[1])
        median, high = (self.bulk[columns, np.abs(levels - level).argmin()] for level in (0.5, 0.95))
        return (values - median) / (high - median)


def collect(batches: Iterable[np.ndarray], count: int) -> ReferenceDistribution:
    """Reduce batches (n, columns) of null values, `count` rows in all, to a ReferenceDistribution.

    Memory holds one batch and the tail; the bulk quantiles come from the first batch, the tail from every row.
    """
    kept = max(1, min(count, round(count * TAIL_SHARE)))
    bulk: np.ndarray | None = None
    held: list[np.ndarray] = []
    for batch in batches:
        held.append(np.ascontiguousarray(batch.T, dtype=np.float32))
        if bulk is None:
            bulk = np.quantile(held[0], np.linspace(0, 1, BULK_POINTS), axis=1).T.astype(np.float32)
        # Cutting back only when the surplus is as large as the tail keeps the cost per draw constant.
        if sum(part.shape[1] for part in held) >= 2 * kept:
            held = [_largest(held, kept)]
    if bulk is None:
        raise ValueError("collect needs at least one batch of null values.")
    return ReferenceDistribution(count, np.sort(_largest(held, kept), axis=1), bulk)


def _largest(parts: list[np.ndarray], kept: int) -> np.ndarray:
    joined = np.concatenate(parts, axis=1)
    return joined if joined.shape[1] <= kept else np.partition(joined, -kept, axis=1)[:, -kept:]
