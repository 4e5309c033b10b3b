"""Statistics of one token set in many stored rankings: ranks by token, tie bits, a profile of weights over ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._bits import mark_both, take_ranks
from ._jit import compiled

Words = NDArray[np.uint64]
Floats = NDArray[np.float32]
Stored = NDArray[np.unsignedinteger[Any]]

N_VALUES = 6  # what score_stored gives for a row
_ONE = np.uint64(1)


@compiled
def starts_block(ties: Words, rank: int) -> bool:
    """Whether no token with an equal weight stands before this rank."""
    return (ties[rank >> 6] >> np.uint64(rank & 63)) & _ONE == np.uint64(0)


@compiled
def own_ranks(start: int, stop: int, ranks: Stored, members: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Ranks of the members, unsorted, in rows start..stop: (stop - start, k)."""
    own = np.empty((stop - start, members.size), dtype=np.uint32)
    for place in range(members.size):
        token = members[place]
        for row in range(start, stop):
            own[row - start, place] = ranks[token, row]
    return own


@compiled
def mass_stored(
    start: int,
    stop: int,
    ranks: Stored,
    profiles: Floats,
    background: NDArray[np.float64],
    knots: NDArray[np.int32],
    fractions: Floats,
    members: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Fill values (R, 2) of rows start..stop: the mass of both sides; arguments as of score_stored."""
    own = own_ranks(start, stop, ranks, members)
    for row in range(start, stop):
        raised, lowered = 0.0, 0.0
        profile = profiles[row]
        for place in range(members.size):
            rank = own[row - start, place]
            knot, fraction = knots[rank], fractions[rank]
            raised += profile[1, knot] + fraction * (profile[1, knot + 1] - profile[1, knot])
            lowered += profile[2, knot] + fraction * (profile[2, knot + 1] - profile[2, knot])
        values[row, 0] = np.log(raised / members.size / background[row, 0])
        values[row, 1] = np.log(lowered / members.size / background[row, 1])


@compiled
def score_stored(
    start: int,
    stop: int,
    ranks: Stored,
    ties: Words,
    profiles: Floats,
    background: NDArray[np.float64],
    knots: NDArray[np.int32],
    fractions: Floats,
    members: NDArray[np.int64],
    values: NDArray[np.float64],
) -> None:
    """Fill values (R, 6) of rows start..stop: mean, AUROC, ES+ and |ES-| with p=0 and with p=1.

    `ranks` (V, R) by token, `ties` (R, words) marks ranks whose weight equals the one before, `profiles` (R, 3, K)
    holds x, exp(x) and exp(-x) at the knots, `background` (R, 2) the means of the latter over the universe, NaN for a
    constant row.
    """
    size, n = members.size, ranks.shape[0]
    own = own_ranks(start, stop, ranks, members)
    places = np.arange(size).astype(np.int32)
    words = np.zeros((n + 63) // 64, dtype=np.uint64)
    summary = np.zeros((words.size + 63) // 64, dtype=np.uint64)
    hits = np.empty(size, dtype=np.int64)
    weights = np.empty(size, dtype=np.float64)
    for row in range(start, stop):
        out = values[row]
        if np.isnan(background[row, 0]):
            out[:] = np.nan
            continue
        mark_both(places, own[row - start], words, summary)
        take_ranks(words, summary, hits)
        profile, tie = profiles[row], ties[row]
        summed, total = 0.0, 0.0
        for hit in range(size):
            rank = hits[hit]
            knot, fraction = knots[rank], fractions[rank]
            x = profile[0, knot] + fraction * (profile[0, knot + 1] - profile[0, knot])
            weights[hit] = abs(x)
            summed += x
            total += abs(x)
        miss = total / (n - size)
        gained, doubled = 0.0, 0
        top, bottom, weighted_top, weighted_bottom = 0, 0, 0.0, 0.0
        for hit in range(size):
            first = int(hits[hit])
            last = first
            while not starts_block(tie, first):
                first -= 1
            while last + 1 < n and not starts_block(tie, last + 1):
                last += 1
            doubled += first + last
            # inside a block of ties both are understated; its first and last member state them in full
            bottom = min(bottom, hit * n - first * size)
            top = max(top, (hit + 1) * n - (last + 1) * size)
            weighted_bottom = min(weighted_bottom, gained - (first - hit) * miss)
            gained += weights[hit]
            weighted_top = max(weighted_top, gained - (last - hit) * miss)
        out[0] = summed / size
        out[1] = 1.0 - (doubled - size * (size - 1)) / (2.0 * size * (n - size))
        out[2] = top / (float(size) * float(n - size))
        out[3] = -bottom / (float(size) * float(n - size))
        out[4] = min(weighted_top / total, 1.0) if total > 0 else np.nan
        out[5] = min(-weighted_bottom / total, 1.0) if total > 0 else np.nan
