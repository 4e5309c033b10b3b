"""Sets of ranks as bitmaps of 64-bit words, with a second bitmap of the words that are not empty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import compiled

Words = NDArray[np.uint64]
Ranks = NDArray[np.uint32]
Members = NDArray[np.int32]
Hits = NDArray[np.int64]

_ONE = np.uint64(1)
_EMPTY = np.uint64(0)
_WORD = np.uint32(6)
_BIT = np.uint32(63)


@compiled
def bit_count(word: np.uint64) -> int:
    """Number of set bits, by adding ever wider fields; the compiler knows the pattern and uses the machine's count."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def lowest_bit(word: np.uint64) -> int:
    """Place of the lowest set bit of a word that is not empty: the number of zeros below it."""
    return bit_count(~word & (word - _ONE))


@compiled
def mark(members: Members, ranks: Ranks, words: Words) -> None:
    """Set the bit of every member's rank."""
    for slot in range(members.size):
        rank = ranks[np.uint32(members[slot])]  # unsigned: no check for an index from the end
        words[rank >> _WORD] |= _ONE << np.uint64(rank & _BIT)


@compiled
def mark_both(members: Members, ranks: Ranks, words: Words, summary: Words) -> None:
    """The same, and set the bit of every word that is not empty in `summary`."""
    for slot in range(members.size):
        rank = ranks[np.uint32(members[slot])]
        word = rank >> _WORD
        words[word] |= _ONE << np.uint64(rank & _BIT)
        summary[word >> _WORD] |= _ONE << np.uint64(word & _BIT)


@compiled
def summarise(words: Words, summary: Words) -> None:
    """Fill `summary` for words that were marked without it."""
    for word in range(words.size):
        if words[word] != _EMPTY:
            summary[word >> 6] |= _ONE << np.uint64(word & 63)


@compiled
def take_ranks(words: Words, summary: Words, hits: Hits) -> None:
    """Write the marked ranks into `hits`, ascending, and clear both bitmaps."""
    found = 0
    for group in range(summary.size):
        marked = summary[group]
        summary[group] = _EMPTY
        while marked != _EMPTY:
            word = 64 * group + lowest_bit(marked)
            marked &= marked - _ONE
            left = words[word]
            words[word] = _EMPTY
            while left != _EMPTY:
                hits[found] = 64 * word + lowest_bit(left)
                found += 1
                left &= left - _ONE
