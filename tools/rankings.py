"""Enrichment in rankings that come as a matrix of values, as mean activations by token, instead of from a direction."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from .errors import TseaError, UsageError
from .nulls import RANK_STATISTICS
from .statistics.enrichment import SetIndex, score_sets
from .statistics.p_values import PValues
from .statistics.random_set_null import random_set_tests
from .views import ranked_values


@dataclass(frozen=True)
class GivenRanking:
    """Enrichment of S sets in F given rankings: values and random-set p-values (F, 2, S) by rank statistic.

    `ranked` (F,) counts the items that a row ranks, `sizes` (F, S) the members among them. NaN where there is nothing
    to test: no member or no other item is ranked, or all values are equal.
    """

    ranked: np.ndarray
    sizes: np.ndarray
    values: dict[str, np.ndarray]
    p_random: dict[str, PValues]


def given_ranking(values: np.ndarray, sets: SetIndex) -> GivenRanking:
    """Enrichment scores and rank sums of values (F, N) float32 over N items, on sets of item positions.

    An item without a value (NaN), as a token never seen, leaves that row's universe. Ties are read as blocks: among
    them the p-values of enrichment scores are too large, never too small. There is no direction to be compared with
    others, so random sets are the only null, and it takes related items for independent ones. Raises UsageError for
    values of another shape or type and TseaError for infinite ones.
    """
    if values.ndim != 2 or values.dtype != np.float32 or values.shape[1] != sets.n_tokens:
        raise UsageError(
            f"Given values must be float32 of shape (features, {sets.n_tokens}), one column for each item of the sets, "
            f"got {values.dtype} {values.shape}."
        )
    if np.isinf(values).any():
        rows = np.flatnonzero(np.isinf(values).any(axis=1))
        raise TseaError(f"Given values are infinite in {rows.size} rows (first: row {rows[0]}): leave these out.")
    seen = ~np.isnan(values)
    shape = (len(values), 2, len(sets))
    found = {name: np.full(shape, np.nan) for name in RANK_STATISTICS}
    p = {name: PValues(np.full(shape, np.nan), np.full(shape, np.nan)) for name in RANK_STATISTICS}
    sizes = np.zeros((len(values), len(sets)), dtype=np.int64)
    patterns, pattern_of = np.unique(np.packbits(seen, axis=1), axis=0, return_inverse=True)
    for pattern in range(len(patterns)):
        rows = np.flatnonzero(pattern_of == pattern)
        kept = seen[rows[0]]
        index, columns, sizes[rows] = _cut(sets, kept)
        if not len(columns):
            continue
        of_rows = np.ascontiguousarray(values[np.ix_(rows, np.flatnonzero(kept))])
        scores = score_sets(of_rows, index)
        by_chance = random_set_tests(scores, index.sizes).p
        at = np.ix_(rows, np.arange(2), columns)
        for name, part in zip(RANK_STATISTICS, np.split(ranked_values(scores), len(RANK_STATISTICS), 2), strict=True):
            found[name][at] = part
            p[name].p[at], p[name].log10_error[at] = by_chance[name].p, by_chance[name].log10_error
    return GivenRanking(seen.sum(axis=1), sizes, found, p)


def _cut(sets: SetIndex, kept: np.ndarray) -> tuple[SetIndex, np.ndarray, np.ndarray]:
    """Sets cut to the kept items and counted among them, the columns of those that can be tested, and all sizes."""
    position, n = np.cumsum(kept) - 1, int(kept.sum())
    whole = [sets.members[start:stop] for start, stop in itertools.pairwise(sets.pointers)]
    members = [position[one[kept[one]]] for one in whole]
    sizes = np.array([len(one) for one in members], dtype=np.int64)
    columns = np.flatnonzero((sizes > 0) & (sizes < n))
    return SetIndex.from_positions([members[column] for column in columns], n), columns, sizes
