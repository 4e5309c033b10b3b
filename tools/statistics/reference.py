"""Empirical null distributions: statistics of many reference directions, kept as exact tails and bulk quantiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._reference_kernels import exceeding
from .p_values import PValues
from .tail_sampling import LEVELS, MAX_ERROR
from .threads import over_blocks

TAIL_SHARE = 0.06
BULK_POINTS = 401


@dataclass(frozen=True)
class ReferenceDistribution:
    """Null values of `columns` statistics over `count` reference draws.

    `tail` (columns, T) holds the T largest values of each column in ascending order, `bulk` (columns, Q) evenly spaced
    quantiles. Tail p-values are exact counts, (r + 1) / (n + 1); in the bulk r is interpolated. `deep`, where given,
    says of a column the values (L,) reached with probabilities tail_sampling.LEVELS, NaN where unknown; it is asked
    only for columns with a value that no draw reaches.
    """

    count: int
    tail: np.ndarray
    bulk: np.ndarray
    deep: Callable[[int], np.ndarray] | None = None

    def p_values(self, values: np.ndarray) -> np.ndarray:
        """Upper-tail p (F, columns) of observed values (F, columns); NaN where the value is NaN."""
        return self.estimate(values).p

    def estimate(self, values: np.ndarray) -> PValues:
        """Upper-tail p of observed values (F, columns), with errors."""
        exceed = np.empty(values.shape)
        observed = np.ascontiguousarray(values)

        def count(start: int, stop: int) -> None:
            exceeding(observed[start:stop], self.tail, self.bulk, self.count, exceed[start:stop])

        over_blocks(len(values), count, least=64)
        found = counted(exceed, self.count)
        p, error = found.p, found.log10_error
        if self.deep is not None:
            for column in np.flatnonzero((exceed < 1).any(axis=0)).tolist():
                few = np.flatnonzero(exceed[:, column] < 1)
                p[few, column], error[few, column] = self._deepened(
                    self.deep(column), values[few, column], p[few, column], error[few, column]
                )
        return PValues(p, np.where(np.isnan(p), np.nan, error))

    def _deepened(
        self, deep: np.ndarray, observed: np.ndarray, p: np.ndarray, error: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The estimates of one column's counts, replaced where its deep levels say more."""
        known = np.flatnonzero(~np.isnan(deep))
        if len(known) < 2:
            return p, error
        values = np.maximum.accumulate(deep[known])
        from_levels = np.exp(np.interp(observed, values, np.log(LEVELS[known])))
        from_levels = np.minimum(from_levels, 2 / (self.count + 1))
        beyond = observed > values[-1]
        use = ~beyond | (from_levels < p)
        return np.where(use, from_levels, p), np.where(use, np.where(beyond, np.nan, MAX_ERROR), error)

    def of_column(self, column: int) -> ReferenceDistribution:
        """The distribution of one column only."""
        deep = self.deep
        own: Callable[[int], np.ndarray] | None = None if deep is None else lambda _: deep(column)
        return ReferenceDistribution(self.count, self.tail[[column]], self.bulk[[column]], own)

    def strength(self, values: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """How many null spreads (median to 95 % quantile) each value lies above the null median of its column."""
        levels = np.linspace(0, 1, self.bulk.shape[1])
        median, high = (self.bulk[columns, np.abs(levels - level).argmin()] for level in (0.5, 0.95))
        return (values - median) / (high - median)


def counted(exceed: np.ndarray, count: int) -> PValues:
    """p = (r + 1) / (n + 1) where r of n draws reach as far; an upper bound where none does."""
    p = (exceed + 1) / (count + 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt((1 - p) / exceed) / np.log(10)
    return PValues(p, np.where(exceed >= 1, error, np.nan))


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
            # Evenly spaced quantiles are read off the sorted values: np.quantile takes several times as long.
            places = np.arange(BULK_POINTS) * ((held[0].shape[1] - 1) / (BULK_POINTS - 1))
            bulk = _read_between(np.sort(held[0], axis=1), places)
        # Cutting back only when the surplus is as large as the tail keeps the cost per draw constant.
        if sum(part.shape[1] for part in held) >= 2 * kept:
            held = [_largest(held, kept)]
    if bulk is None:
        raise ValueError("collect needs at least one batch of null values.")
    return ReferenceDistribution(count, np.sort(_largest(held, kept), axis=1), bulk)


def _read_between(ordered: NDArray[np.float32], places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values of each row at fractional places, interpolated."""
    below = np.minimum(places.astype(np.int64), ordered.shape[1] - 1)
    above = np.minimum(below + 1, ordered.shape[1] - 1)
    return (ordered[:, below] + (places - below) * (ordered[:, above] - ordered[:, below])).astype(np.float32)


def _largest(parts: list[np.ndarray], kept: int) -> np.ndarray:
    joined = np.concatenate(parts, axis=1)
    return joined if joined.shape[1] <= kept else np.partition(joined, -kept, axis=1)[:, -kept:]
