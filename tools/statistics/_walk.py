"""Extremes of the running sum of one set down one ranking, for both powers.

At rank r after h members the sum is `gained` - (r - h) miss. p=0 counts in 64-bit integers, numerators over k (V - k):
a member gains V - k, another token costs k. p=1 counts in float64: a member gains |weight|, another token costs the
members' total |weight| over V - k. A new extreme counts when it is further than the last by more than `rounding` (0
for integers), so that ranks do not hang on the order of a float sum.

Each function returns ES+ and ES- in these units, the rank that ends ES+ and the rank before which ES- stands (-1: the
sum never leaves zero on that side). The sum peaks after a member and bottoms out before one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._bits import Hits, Words, bit_count, lowest_bit
from ._jit import compiled
from ._order import Blocks

Number = float  # or int; the compiler makes one version for each
Numbers = NDArray[np.int64] | NDArray[np.float64]
Gains = NDArray[np.int64] | NDArray[np.float32]


class Steps(NamedTuple):
    """What one set's running sum does: int64 for p=0, float64 (and float32 gains) for p=1."""

    gains: Gains  # of a member, by rank, or one value for all ranks
    every: int  # -1 where `gains` is by rank, 0 where it is one value
    rises: Numbers  # by word of 64 ranks: what its members gain
    falls: Numbers  # what its other tokens cost


_ONE = np.uint64(1)
_EMPTY = np.uint64(0)


@compiled
def walk(hits: Hits, gains: Gains, every: int, miss: Number, rounding: Number) -> tuple[Number, Number, int, int]:
    """Extremes over the members at the ranks `hits`, ascending (see Steps), taking ties in the order of their ranks."""
    gained = miss - miss
    top, bottom, peak, trough = gained, gained, -1, -1
    for hit in range(hits.size):
        rank = int(hits[hit])
        before = gained - (rank - hit) * miss
        gain = gains[rank & every]
        gained += gain
        after = before + gain
        if before < bottom - rounding:
            bottom = before
            trough = rank
        if after > top + rounding:
            top = after
            peak = rank
    return top, bottom, peak, trough


@compiled
def walk_tied(
    hits: Hits, starts: Blocks, stops: Blocks, steps: Steps, miss: Number, rounding: Number
) -> tuple[Number, Number, int, int]:
    """The same where ties count: the sum is read only where a block of equal weights starts or stops.

    At a member, both are read with the members met so far: inside a block that understates both extremes, which its
    first member (trough) and last one (peak) state in full.
    """
    gains, every, gained = steps.gains, steps.every, miss - miss
    top, bottom, peak, trough = gained, gained, -1, -1
    for hit in range(hits.size):
        rank = int(hits[hit])
        before = gained - (int(starts[rank]) - hit) * miss
        if before < bottom - rounding:
            bottom = before
            trough = int(starts[rank])
        gained += gains[rank & every]
        after = gained - (int(stops[rank]) - hit - 1) * miss
        if after > top + rounding:
            top = after
            peak = int(stops[rank]) - 1
    return top, bottom, peak, trough


@compiled
def fill_words(words: Words, gain: Number, miss: Number, steps: Steps) -> tuple[Number, Number]:
    """Rises (unless `gain` is 0) and falls of the members marked in `words`; the extremes at the words' edges."""
    rises, falls, value = steps.rises, steps.falls, miss - miss
    top, bottom = value, value
    for word in range(words.size):
        top, bottom = max(top, value), min(bottom, value)
        count = bit_count(words[word])
        if gain != 0:
            rises[word] = count * gain
        falls[word] = (64 - count) * miss
        value += rises[word] - falls[word]
    return top, bottom


@compiled
def walk_words(
    words: Words, gain: Number, steps: Steps, miss: Number, rounding: Number, margin: Number
) -> tuple[Number, Number, int, int]:
    """As `walk` for the members marked in `words`; `gain` is one member's, or 0 where the rises are filled.

    The sum at the words' edges bounds the extremes from inside; a word is opened only where all its members first, or
    all its other tokens first, would reach further than that less `margin`, which must exceed `rounding`: the member
    where an edge's value is first reached is to be found too.
    """
    gains, every, rises, falls = steps.gains, steps.every, steps.rises, steps.falls
    top, bottom = fill_words(words, gain, miss, steps)
    value, peak, trough = miss - miss, -1, -1
    top, bottom = max(top - margin, value), min(bottom + margin, value)
    for word in range(words.size):
        if value + rises[word] > top + rounding or value - falls[word] < bottom - rounding:
            left = words[word]
            inside = value
            passed = 64 * word  # rank that `inside` stands at
            while left != _EMPTY:
                rank = 64 * word + lowest_bit(left)
                left &= left - _ONE
                before = inside - (rank - passed) * miss
                if before < bottom - rounding:
                    bottom = before
                    trough = rank
                inside = before + gains[rank & every]
                if inside > top + rounding:
                    top = inside
                    peak = rank
                passed = rank + 1
        value += rises[word] - falls[word]
    return top, bottom, peak, trough
