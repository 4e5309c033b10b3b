"""Kernels behind ranks and enrichment: radix order of a row, tie blocks, and the scan of a set's ranks.

A row arrives as the bits of its float32 weights. Signed 64-bit integers carry every numerator: they reach V^2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import compiled

Keys = NDArray[np.uint32]
Ranks = NDArray[np.int32]
Words = NDArray[np.uint64]

_DIGIT = 11  # bits of a radix digit: three passes cover 32 bits
_SIGN = np.uint32(0x80000000)
_MAGNITUDE = np.uint32(0x7FFFFFFF)
_ONE = np.uint64(1)

# The product of a power of two with a de Bruijn number has a different top six bits for each power.
_DE_BRUIJN = np.uint64(0x03F79D71B4CB0A89)
_TOP_SIX = np.uint64(58)
_BIT = np.empty(64, dtype=np.int64)
for _power in range(64):
    _BIT[((0x03F79D71B4CB0A89 << _power) % 2**64) >> 58] = _power


@compiled
def order_row(bits: Keys, order: Ranks, keys: Keys, spare_order: Ranks, spare_keys: Keys) -> None:
    """Stable descending order of one row into `order`, sorted keys into `keys` (equal keys = equal weights).

    LSD radix sort on a key that grows as the weight falls; -0.0 gets the key of +0.0. All arrays have length V.
    """
    n = bits.size
    low_mask = np.uint32((1 << _DIGIT) - 1)
    shifts = (np.uint32(0), np.uint32(_DIGIT), np.uint32(2 * _DIGIT))
    next_slot = np.zeros((3, 1 << _DIGIT), dtype=np.int32)
    for token in range(n):
        raw = bits[token]
        key = raw if raw & _SIGN and raw != _SIGN else ~raw & _MAGNITUDE
        spare_keys[token] = key
        spare_order[token] = token
        for digit in range(3):
            next_slot[digit, (key >> shifts[digit]) & low_mask] += 1
    for digit in range(3):
        slot = 0
        for value in range(1 << _DIGIT):
            count = next_slot[digit, value]
            next_slot[digit, value] = slot
            slot += count
    from_keys, from_order, to_keys, to_order = spare_keys, spare_order, keys, order
    for digit in range(3):
        slots = next_slot[digit]
        shift = shifts[digit]
        for place in range(n):
            key = from_keys[place]
            value = (key >> shift) & low_mask
            slot = slots[value]
            slots[value] = slot + 1
            to_keys[slot] = key
            to_order[slot] = from_order[place]
        from_keys, from_order, to_keys, to_order = to_keys, to_order, from_keys, from_order


@compiled
def order_rows(start: int, stop: int, weights: NDArray[np.float32], orders: NDArray[np.int32]) -> None:
    """Descending order of the rows start..stop; weights and orders are (F, V)."""
    n = weights.shape[1]
    keys = np.empty(n, dtype=np.uint32)
    spare_keys = np.empty(n, dtype=np.uint32)
    spare_order = np.empty(n, dtype=np.int32)
    for row in range(start, stop):
        order_row(weights[row].view(np.uint32), orders[row], keys, spare_order, spare_keys)


@compiled
def tie_blocks(keys: Keys, starts: Ranks, stops: Ranks) -> None:
    """Per rank, the first rank of its block of equal keys and the rank after its last one."""
    n = keys.size
    start = 0
    for rank in range(n):
        if keys[rank] != keys[start]:
            start = rank
        starts[rank] = start
    stop = n
    for rank in range(n - 1, -1, -1):
        stops[rank] = stop
        if starts[rank] == rank:
            stop = rank


@compiled
def bit_count(word: np.uint64) -> int:
    """Number of set bits, by adding ever wider fields; the compiler knows the pattern and uses the machine's count."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def scan_unweighted(words: Words, starts: Ranks, stops: Ranks, size: int) -> tuple[int, int, int, int]:
    """Extremes of the p=0 running sum of the ranks marked in `words`, which is left cleared.

    Numerators over size * (V - size): after t tokens with h members the sum is h V - t size. At a member, the sum
    before and after its tie block is taken with the members met so far: inside a block that understates both extremes,
    which its first member (trough) and last one (peak) state in full. Returns ES+, ES- and the ranks where they stand.
    """
    n = starts.size
    hits, top, bottom, peak, trough = 0, 0, 0, -1, -1
    for word in range(words.size):
        left = words[word]
        if left == np.uint64(0):
            continue
        words[word] = np.uint64(0)
        first, count = 64 * word, bit_count(left)
        # all its members first, or none before the end: if even that sets no record, skip the word
        if (hits + count) * n - (first + count) * size <= top and hits * n - (first + 63) * size >= bottom:
            hits += count
            continue
        while left != np.uint64(0):
            lowest = left & (~left + _ONE)
            rank = first + _BIT[(lowest * _DE_BRUIJN) >> _TOP_SIX]
            left ^= lowest
            before = hits * n - int(starts[rank]) * size
            if before < bottom:
                bottom = before
                trough = int(starts[rank]) - 1
            hits += 1
            after = hits * n - int(stops[rank]) * size
            if after > top:
                top = after
                peak = int(stops[rank]) - 1
    return top, bottom, peak, trough


@compiled
def scan_weighted(
    words: Words, starts: Ranks, stops: Ranks, size: int, magnitudes: NDArray[np.float64], total: float
) -> tuple[float, float, int, int]:
    """The same for p=1, in units of `total` (sum of the members' |weight|); `magnitudes` is |weight| by rank."""
    n = starts.size
    miss = total / (n - size)
    hits, gained, top, bottom, peak, trough = 0, 0.0, 0.0, 0.0, -1, -1
    for word in range(words.size):
        left = words[word]
        words[word] = np.uint64(0)
        while left != np.uint64(0):
            lowest = left & (~left + _ONE)
            rank = 64 * word + _BIT[(lowest * _DE_BRUIJN) >> _TOP_SIX]
            left ^= lowest
            before = gained - (int(starts[rank]) - hits) * miss
            if before < bottom:
                bottom = before
                trough = int(starts[rank]) - 1
            hits += 1
            gained += float(magnitudes[rank])
            after = gained - (int(stops[rank]) - hits) * miss
            if after > top:
                top = after
                peak = int(stops[rank]) - 1
    return top, bottom, peak, trough


@compiled
def score_rows(
    start: int,
    stop: int,
    weights: NDArray[np.float32],
    pointers: NDArray[np.int64],
    members: NDArray[np.int32],
    weighted: bool,
    extremes: NDArray[np.float64],
    peaks: NDArray[np.int32],
) -> None:
    """ES+ and ES- of the rows start..stop into extremes (2, F, S), the ranks where they stand into peaks (2, F, S)."""
    n = weights.shape[1]
    n_sets = pointers.size - 1
    order = np.empty(n, dtype=np.int32)
    spare_order = np.empty(n, dtype=np.int32)
    keys = np.empty(n, dtype=np.uint32)
    spare_keys = np.empty(n, dtype=np.uint32)
    starts = np.empty(n, dtype=np.int32)
    stops = np.empty(n, dtype=np.int32)
    ranks = np.empty(n, dtype=np.int32)
    magnitudes = np.empty(n, dtype=np.float64)
    words = np.zeros((n + 63) // 64, dtype=np.uint64)
    for row in range(start, stop):
        order_row(weights[row].view(np.uint32), order, keys, spare_order, spare_keys)
        tie_blocks(keys, starts, stops)
        for rank in range(n):
            ranks[order[rank]] = rank
        if weighted:
            for rank in range(n):
                magnitudes[rank] = abs(float(weights[row, order[rank]]))
        for index in range(n_sets):
            size = int(pointers[index + 1] - pointers[index])
            for slot in range(pointers[index], pointers[index + 1]):
                rank = ranks[members[slot]]
                words[rank >> 6] |= _ONE << np.uint64(rank & 63)
            if weighted:
                total = 0.0
                for slot in range(pointers[index], pointers[index + 1]):
                    total += abs(float(weights[row, members[slot]]))
                top, bottom, peak, trough = scan_weighted(words, starts, stops, size, magnitudes, total)
                scale = total
            else:
                high, low, peak, trough = scan_unweighted(words, starts, stops, size)
                top, bottom = float(high), float(low)
                scale = float(size) * float(n - size)
            if stops[0] == n or scale == 0.0:  # all weights equal, or p=1 and all members at weight 0
                extremes[:, row, index] = np.nan
                peaks[:, row, index] = -1
            else:
                extremes[0, row, index] = min(top / scale, 1.0)  # summing `total` in another order may cost an ulp
                extremes[1, row, index] = max(bottom / scale, -1.0)
                peaks[0, row, index] = peak
                peaks[1, row, index] = trough
