"""Reading share: how much of a feature's strongest firings falls on the tokens of a set.

Of the m strongest firings, the one of rank i (from 0) weighs (m - i) / m; the share of a set is the weight on its
tokens over the weight of all. Only ranks count, so that random directions may be held against a feature on their own m
strongest tokens: amounts, whose tails are heavier in features, would pass for enrichment.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from ._reading_kernels import ranked_shares
from .threads import over_blocks


def rank_weights(firings: int) -> NDArray[np.float64]:
    """The weight (m,) of each of m firings, strongest first; together 1."""
    weights = np.arange(firings, 0, -1, dtype=np.float64)
    return weights / weights.sum()


def reading_shares(
    codes: NDArray[np.int64],
    pointers: NDArray[np.int64],
    columns: NDArray[np.int32],
    levels: NDArray[np.int64],
    sets: int,
) -> NDArray[np.float32]:
    """Shares (B, L, S) at each of L ascending numbers of firings, from token codes (B, n) of firings, strongest first.

    The token of code c belongs to the sets columns[pointers[c]:pointers[c + 1]]; -1 stands for a token of no set.
    """
    shares = np.zeros((len(codes), len(levels), sets), np.float32)
    ordered = np.ascontiguousarray(codes)

    def fill(start: int, stop: int) -> None:
        ranked_shares(ordered[start:stop], pointers, columns, levels, shares[start:stop])

    over_blocks(len(codes), fill)
    return shares


def information(shares: NDArray[np.float64], base: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much, in nats for each firing, a share says beyond that of all tokens: KL(share || base) of two Bernoullis.

    0 where the share is no larger. Wide sets that hold nearly all firings say more than narrow ones that hold some.
    """
    inside = xlogy(shares, shares / base)
    outside = xlogy(1 - shares, (1 - shares) / (1 - base))
    return np.where(shares > base, inside + outside, 0.0)
