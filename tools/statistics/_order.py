"""Ranking of one row: sortable pairs of key and token, ranks by token, and blocks of tied weights.

A row arrives as the bits of its float32 weights. A key grows as the weight falls, and -0.0 has the key of +0.0. A pair
holds the key in its upper half and the token in its lower half, so that sorted pairs keep tied tokens in token order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import compiled

Bits = NDArray[np.uint32]
Pairs = NDArray[np.uint64]
Ranks = NDArray[np.uint32]
Blocks = NDArray[np.int32]

_SIGN = np.uint32(0x80000000)
_MAGNITUDE = np.uint32(0x7FFFFFFF)
_ZERO = np.uint32(0)
_HALF = np.uint64(32)
_TOKEN = np.uint64(0xFFFFFFFF)


@compiled
def pair_row(bits: Bits, pairs: Pairs) -> None:
    """Unsorted pairs of a row."""
    for token in range(bits.size):
        raw = bits[token]
        if raw == _SIGN:
            raw = _ZERO
        flip = _ZERO if raw & _SIGN else _MAGNITUDE
        pairs[token] = (np.uint64(raw ^ flip) << _HALF) | np.uint64(token)


@compiled
def rank_row(pairs: Pairs, ranks: Ranks) -> None:
    """Rank of every token from the largest weight, of a row's sorted pairs."""
    for rank in range(pairs.size):
        ranks[pairs[rank] & _TOKEN] = rank


@compiled
def order_row(pairs: Pairs, order: NDArray[np.int32]) -> None:
    """Tokens by falling weight, of a row's sorted pairs."""
    for rank in range(pairs.size):
        order[rank] = pairs[rank] & _TOKEN


@compiled
def magnitude_row(pairs: Pairs, bits: Bits) -> None:
    """Bits of |weight| by rank, of a row's sorted pairs."""
    for rank in range(pairs.size):
        key = np.uint32(pairs[rank] >> _HALF)
        bits[rank] = (key if key & _SIGN else ~key) & _MAGNITUDE


@compiled
def tied(pairs: Pairs, rank: int, other: int) -> bool:
    """Whether two ranks hold equal weights."""
    return (pairs[rank] ^ pairs[other]) >> _HALF == 0


@compiled
def next_ties(pairs: Pairs, rank: int) -> tuple[int, int]:
    """First rank and end of the next block of two or more equal weights from `rank` on; (V, V) after the last one."""
    n = pairs.size
    start = rank
    while start + 1 < n and not tied(pairs, start, start + 1):
        start += 1
    if start + 1 >= n:
        return n, n
    stop = start + 2
    while stop < n and tied(pairs, start, stop):
        stop += 1
    return start, stop


@compiled
def tie_blocks(pairs: Pairs, starts: Blocks, stops: Blocks) -> None:
    """Per rank, the first rank of its block of equal weights and the rank after its last one."""
    for rank in range(pairs.size):
        starts[rank] = rank
        stops[rank] = rank + 1
    start, stop = next_ties(pairs, 0)
    while start < pairs.size:
        starts[start:stop] = start
        stops[start:stop] = stop
        start, stop = next_ties(pairs, stop)


@compiled
def middle_row(pairs: Pairs, ranks: Ranks, middles: Blocks) -> float:
    """Twice the mean rank of every token's block of equal weights, by token; returns the row's untied share.

    That is 1 - sum(t^3 - t) / (n^3 - n) over the blocks of t equal weights.
    """
    for token in range(pairs.size):
        middles[token] = 2 * ranks[token]
    n, ties = float(pairs.size), 0.0
    start, stop = next_ties(pairs, 0)
    while start < pairs.size:
        for rank in range(start, stop):
            middles[pairs[rank] & _TOKEN] = start + stop - 1
        size = float(stop - start)
        ties += size**3 - size
        start, stop = next_ties(pairs, stop)
    return 1.0 - ties / (n**3 - n)
