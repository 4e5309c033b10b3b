"""Every rank statistic of one row of weights on all sets, from one sort of the row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ._bits import Hits, Members, Words, mark, mark_both, summarise, take_ranks
from ._jit import compiled
from ._order import Blocks, Pairs, Ranks, magnitude_row, middle_row, rank_row, tie_blocks, tied
from ._walk import Number, Numbers, Steps, walk, walk_tied, walk_words

Row = NDArray[np.float32]

_ROUNDING = 1e-13  # of p=1, in units of the score: far above what sums in another order differ by


class Ranking(NamedTuple):
    """One ranked row."""

    pairs: Pairs  # by rank, sorted
    ranks: Ranks  # by token
    middles: Blocks  # by token: twice the mean rank of its block of ties
    magnitudes: Row  # by rank: |weight|
    starts: Blocks  # by rank: its block of ties
    stops: Blocks  # stops[0] is 0 until both are filled


class Marks(NamedTuple):
    """The ranks of one set: a long set in a bitmap, a short one in a list."""

    words: Words  # empty between sets
    summary: Words  # bitmap of the words that are not empty
    hits: Hits  # ascending, filled as far as the set is long


class Scratch(NamedTuple):
    """What one worker needs to score rows, one at a time."""

    ranking: Ranking
    marks: Marks
    unweighted: Steps
    weighted: Steps


class Found(NamedTuple):
    """What scoring F rows on S sets fills: ES+ and ES- of each of P powers, and with p=1 the rest."""

    extremes: NDArray[np.float64]  # (P, 2, F, S)
    peaks: NDArray[np.int32]  # (P, 2, F, S)
    auroc: NDArray[np.float64]  # (F, S)
    magnitudes: Row  # (F, V): |weight| by rank
    untied: NDArray[np.float64]  # (F,)


def found_for(rows: int, n: int, sets: int, powers: int) -> Found:
    """Space for what is found of so many rows over n tokens."""
    return Found(
        extremes=np.empty((powers, 2, rows, sets), dtype=np.float64),
        peaks=np.empty((powers, 2, rows, sets), dtype=np.int32),
        auroc=np.empty((rows, sets), dtype=np.float64),
        magnitudes=np.empty((rows, n), dtype=np.float32),
        untied=np.empty(rows, dtype=np.float64),
    )


def scratch_for(n: int) -> Scratch:
    """Scratch for rows of n tokens."""
    words = (n + 63) // 64
    magnitudes = np.empty(n, dtype=np.float32)
    return Scratch(
        Ranking(
            pairs=np.empty(n, dtype=np.uint64),
            ranks=np.empty(n, dtype=np.uint32),
            middles=np.empty(n, dtype=np.int32),
            magnitudes=magnitudes,
            starts=np.empty(n, dtype=np.int32),
            stops=np.empty(n, dtype=np.int32),
        ),
        Marks(
            words=np.zeros(words, dtype=np.uint64),
            summary=np.zeros((words + 63) // 64, dtype=np.uint64),
            hits=np.empty(n, dtype=np.int64),
        ),
        unweighted=Steps(
            gains=np.empty(1, dtype=np.int64),
            every=0,
            rises=np.empty(words, dtype=np.int64),
            falls=np.empty(words, dtype=np.int64),
        ),
        weighted=Steps(
            gains=magnitudes,
            every=-1,
            rises=np.empty(words, dtype=np.float64),
            falls=np.empty(words, dtype=np.float64),
        ),
    )


@compiled
def reads_well(pairs: Pairs, peak: int, trough: int) -> bool:
    """Whether extremes found with ties taken in token order stand where blocks of ties end: then they are exact.

    The sum read at every rank reaches at least as far as the sum read where blocks end, and both agree there.
    """
    split_peak = peak >= 0 and peak + 1 < pairs.size and tied(pairs, peak, peak + 1)
    return not split_peak and not (trough > 0 and tied(pairs, trough, trough - 1))


@compiled
def extremes_with_ties(
    size: int, long: bool, ranking: Ranking, marks: Marks, steps: Steps, miss: Number, rounding: Number
) -> tuple[Number, Number, int, int]:
    """Extremes of the set in `marks` where blocks of ties end, as _walk gives them; a long set becomes a list."""
    hits = marks.hits[:size]
    if long:
        summarise(marks.words, marks.summary)
        take_ranks(marks.words, marks.summary, hits)
    if ranking.stops[0] == 0:
        tie_blocks(ranking.pairs, ranking.starts, ranking.stops)
    return walk_tied(hits, ranking.starts, ranking.stops, steps, miss, rounding)


@compiled
def sum_members(
    members: Members, weights: Row, middles: Blocks, ranks: Ranks, rises: Numbers, long: bool
) -> tuple[float, int]:
    """Sums of |weight| and of `middles` over the members; of a long set, |weight| also by word, into `rises`."""
    total, doubled = 0.0, 0
    if not long:
        for slot in range(members.size):
            token = np.uint32(members[slot])  # unsigned: no check for an index from the end
            total += abs(np.float64(weights[token]))
            doubled += middles[token]
        return total, doubled
    rises[:] = 0.0
    for slot in range(members.size):
        token = np.uint32(members[slot])
        rises[ranks[token] >> np.uint32(6)] += abs(np.float64(weights[token]))
        doubled += middles[token]
    return float(rises.sum()), doubled


@compiled
def score_row(
    row: int,
    weights: NDArray[np.float32],
    pointers: NDArray[np.int64],
    members: Members,
    powers: NDArray[np.int64],
    scratch: Scratch,
    found: Found,
) -> None:
    """Score one row of weights (F, V) whose sorted pairs are in scratch."""
    extremes, peaks, auroc = found.extremes, found.peaks, found.auroc
    ranking, marks, unweighted, weighted = scratch
    pairs, ranks, middles, magnitudes = ranking.pairs, ranking.ranks, ranking.middles, ranking.magnitudes
    words, summary, hits, constant = marks.words, marks.summary, marks.hits, unweighted.gains
    n = pairs.size
    if tied(pairs, 0, n - 1):
        extremes[:, :, row] = np.nan
        peaks[:, :, row] = -1
        auroc[row] = np.nan
        found.untied[row] = 0.0
        found.magnitudes[row] = 0.0
        return
    own_weights = weights[row]
    rank_row(pairs, ranks)
    if powers[-1] == 1:
        magnitude_row(pairs, magnitudes.view(np.uint32))
        found.magnitudes[row] = magnitudes
        found.untied[row] = middle_row(pairs, ranks, middles)
    ranking.stops[0] = 0
    for index in range(pointers.size - 1):
        own = members[pointers[index] : pointers[index + 1]]
        size = own.size
        long = size > words.size
        if long:
            mark(own, ranks, words)
        else:
            mark_both(own, ranks, words, summary)
            take_ranks(words, summary, hits)
        for place in range(powers.size):
            if powers[place] == 0:
                scale = float(size) * float(n - size)
                constant[0] = n - size
                if long:
                    high, low, peak, trough = walk_words(words, n - size, unweighted, size, 0, 1)
                else:
                    high, low, peak, trough = walk(hits[:size], constant, 0, size, 0)
                if not reads_well(pairs, peak, trough):
                    high, low, peak, trough = extremes_with_ties(size, long, ranking, marks, unweighted, size, 0)
                    long = False
                top, bottom = float(high), float(low)
            else:
                scale, doubled = sum_members(own, own_weights, middles, ranks, weighted.rises, long)
                auroc[row, index] = 1.0 - (doubled - size * (size - 1)) / (2.0 * size * (n - size))
                miss, rounding = scale / (n - size), _ROUNDING * scale
                if long:
                    top, bottom, peak, trough = walk_words(words, 0.0, weighted, miss, rounding, 3 * rounding)
                else:
                    top, bottom, peak, trough = walk(hits[:size], magnitudes, -1, miss, rounding)
                if not reads_well(pairs, peak, trough):
                    top, bottom, peak, trough = extremes_with_ties(size, long, ranking, marks, weighted, miss, rounding)
                    long = False
            if scale == 0.0:  # p=1, and all members at weight 0
                scale, top, bottom = 1.0, np.nan, np.nan
            extremes[place, 0, row, index] = min(top / scale, 1.0)
            extremes[place, 1, row, index] = max(bottom / scale, -1.0)
            peaks[place, 0, row, index] = peak
            peaks[place, 1, row, index] = max(trough - 1, -1)
        if long:
            words[:] = np.uint64(0)
