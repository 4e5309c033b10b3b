"""Weighted counts of set members among ranked firings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import compiled


@compiled
def ranked_shares(
    codes: NDArray[np.int64],
    pointers: NDArray[np.int64],
    columns: NDArray[np.int32],
    levels: NDArray[np.int64],
    shares: NDArray[np.float32],
) -> None:
    """Fill shares (B, L, S) from the codes (B, n) of firings, strongest first, -1 where there is none.

    Code c belongs to the sets columns[pointers[c]:pointers[c + 1]].
    """
    draws, firings = codes.shape
    sets = shares.shape[2]
    counts = np.empty(sets, np.float64)
    ranks = np.empty(sets, np.float64)
    for draw in range(draws):
        counts[:] = 0
        ranks[:] = 0
        level = 0
        for rank in range(firings + 1):
            while level < len(levels) and levels[level] == rank:
                # The weights (m - rank) / m, rank from 0, add up to (m + 1) / 2.
                for column in range(sets):
                    weight = counts[column] - ranks[column] / rank
                    shares[draw, level, column] = weight * 2 / (rank + 1)
                level += 1
            if rank == firings or level == len(levels):
                break
            code = codes[draw, rank]
            if code >= 0:
                for at in range(pointers[code], pointers[code + 1]):
                    counts[columns[at]] += 1
                    ranks[columns[at]] += rank
