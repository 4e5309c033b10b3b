"""Intervals by resampling whole features or documents."""

from __future__ import annotations

import numpy as np

DRAWS = 10_000
SEED = 0


def interval(
    values: np.ndarray, clusters: np.ndarray | None = None, *, level: float = 0.95, seed: int = SEED
) -> tuple[float, float] | None:
    """Percentile interval of the mean of values (n,); None where fewer than 2 values (or clusters) could be resampled.

    With `clusters` (n,), whole clusters are resampled: values that share one are not independent.
    """
    _, member = np.unique(np.arange(len(values)) if clusters is None else clusters, return_inverse=True)
    count = int(member.max(initial=-1)) + 1
    if count < 2:
        return None
    sums, sizes = np.bincount(member, values, count), np.bincount(member, minlength=count)
    rng = np.random.default_rng(seed)
    means = np.empty(DRAWS)
    step = max(1, 2_000_000 // count)
    for begin in range(0, DRAWS, step):
        drawn = rng.integers(0, count, (min(step, DRAWS - begin), count))
        means[begin : begin + step] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
