"""How many reference draws reach as far as observed values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import compiled


@compiled
def exceeding(
    values: NDArray[np.float64],
    tail: NDArray[np.float32],
    bulk: NDArray[np.float32],
    count: int,
    exceed: NDArray[np.float64],
) -> None:
    """Fill exceed (F, C) with how many of `count` draws are at least as large as values (F, C), NaN where they are NaN.

    tail (C, T) are each column's largest draws, ascending: exact counts. Below them, in between evenly spaced
    quantiles bulk (C, Q).
    """
    columns, kept = tail.shape
    last = bulk.shape[1] - 1
    for row in range(len(values)):
        for column in range(columns):
            value = values[row, column]
            if np.isnan(value):
                exceed[row, column] = np.nan
                continue
            if value > tail[column, 0]:
                exceed[row, column] = kept - np.searchsorted(tail[column], value)
                continue
            quantiles = bulk[column]
            above = int(np.searchsorted(quantiles, value, side="right"))  # pyright: ignore
            below = 0.0 if above == 0 else 1.0
            if 0 < above <= last:
                low, high = quantiles[above - 1], quantiles[above]
                below = (above - 1 + (value - low) / (high - low)) / last
            exceed[row, column] = max(float(kept), count * (1 - below))
