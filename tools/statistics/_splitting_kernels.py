"""Markov chain moves of multilevel splitting: random sets of k of V ranks whose score stays above a level.

A move draws some of the members anew and is undone when the score falls below the level: sets above the level stay
evenly distributed. Small sets are kept as ascending ranks and scored exactly, larger ones as counts in bins of ranks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import compiled

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Ranks = NDArray[np.int64]

TOLERANCE = 1e-12  # scores closer than this are equal: the same set summed in another order


@compiled
def score_members(ranks: Ranks, weights: Floats, enough: float) -> float:
    """ES+ (p=1) of the set with these ascending ranks, or the first value of the running sum that is `enough`.

    weights (V,) are |weight| by rank.
    """
    size = ranks.size
    total = 0.0
    for nth in range(size):
        total += weights[ranks[nth]]
    if total <= 0.0:
        return 0.0
    gain, miss = 1.0 / total, 1.0 / (weights.size - size)
    gained, top = 0.0, 0.0
    for nth in range(size):
        gained += weights[ranks[nth]]
        top = max(top, gained * gain - (ranks[nth] - nth) * miss)
        if top >= enough:
            break
    return top


@compiled
def swap_member(ranks: Ranks, old: int, new: int) -> None:
    """Replace rank `old` by `new`, which is not among them; the ranks ascend before and after."""
    nth = np.searchsorted(ranks, old)
    while nth + 1 < ranks.size and ranks[nth + 1] < new:
        ranks[nth] = ranks[nth + 1]
        nth += 1
    while nth > 0 and ranks[nth - 1] > new:
        ranks[nth] = ranks[nth - 1]
        nth -= 1
    ranks[nth] = new


@compiled
def move_members(
    sets: Ranks, scores: Floats, weights: Floats, level: float, moves: int, changes: int, seed: int
) -> float:
    """Move each set (M, k) `moves` times and rescore it; the share of moves that were kept.

    A move replaces a member by another rank, `changes` times.
    """
    np.random.seed(seed)
    size = sets.shape[1]
    kept = 0
    old = np.empty(changes, dtype=np.int64)
    new = np.empty(changes, dtype=np.int64)
    for index in range(len(sets)):
        ranks = sets[index]
        for _ in range(moves):
            for change in range(changes):
                old[change] = ranks[int(np.random.random() * size)]
                rank = int(np.random.random() * weights.size)
                while True:
                    nth = np.searchsorted(ranks, rank)
                    if nth == size or ranks[nth] != rank:
                        break
                    rank = int(np.random.random() * weights.size)
                new[change] = rank
                swap_member(ranks, old[change], rank)
            if score_members(ranks, weights, level - TOLERANCE) >= level - TOLERANCE:
                kept += 1
            else:
                for change in range(changes - 1, -1, -1):
                    swap_member(ranks, new[change], old[change])
        scores[index] = score_members(ranks, weights, np.inf)
    return kept / max(1, moves * len(sets))


@compiled
def score_counts(counts: Counts, size: int, weights: Floats, widths: Counts, overshoot: Floats, enough: float) -> float:
    """ES+ (p=1) of a set by its members per bin, (B,), or the first value of the running sum that is `enough`.

    weights (B,) are mean |weight|; overshoot (B,), in jumps of the sum, is what it adds inside a bin to its ends.
    """
    total, n_tokens = 0.0, 0
    for b in range(counts.size):
        total += counts[b] * weights[b]
        n_tokens += widths[b]
    if total <= 0.0:
        return 0.0
    gain, miss = 1.0 / total, 1.0 / (n_tokens - size)
    now, top = 0.0, 0.0
    for b in range(counts.size):
        jump = weights[b] * gain + miss
        now += counts[b] * jump - widths[b] * miss
        top = max(top, now + jump * overshoot[b])
        if top >= enough:
            break
    return top


@compiled
def shift_members(counts: Counts, widths: Counts, one: int, other: int) -> None:
    """A Metropolis step on how the members in two bins are divided, towards the hypergeometric distribution."""
    both, room = counts[one] + counts[other], widths[one] + widths[other]
    # about the standard deviation of that distribution; the same before and after, so steps are symmetric
    reach = 1 + int(np.sqrt(both * (room - both) * widths[one] / room * widths[other] / room / room))
    step = 1 + int(np.random.random() * reach)
    to, source = (one, other) if np.random.random() < 0.5 else (other, one)
    if counts[source] < step or widths[to] - counts[to] < step:
        return
    ratio = 1.0
    for nth in range(step):
        ratio *= (widths[to] - counts[to] - nth) / (counts[to] + nth + 1)
        ratio *= (counts[source] - nth) / (widths[source] - counts[source] + nth + 1)
    if np.random.random() < ratio:
        counts[to] += step
        counts[source] -= step


@compiled
def move_counts(
    sets: Counts,
    scores: Floats,
    size: int,
    weights: Floats,
    widths: Counts,
    overshoot: Floats,
    level: float,
    moves: int,
    changes: int,
    seed: int,
) -> float:
    """Move each set (M, B) `moves` times and rescore it; the share of moves that were kept.

    A move shifts members between two bins, `changes` times.
    """
    np.random.seed(seed)
    bins = sets.shape[1]
    kept = 0
    before = np.empty(bins, dtype=np.int64)
    for index in range(len(sets)):
        counts = sets[index]
        for _ in range(moves):
            before[:] = counts
            for _ in range(changes):
                one = int(np.random.random() * bins)
                other = int(np.random.random() * bins)
                if one != other:
                    shift_members(counts, widths, one, other)
            if score_counts(counts, size, weights, widths, overshoot, level - TOLERANCE) >= level - TOLERANCE:
                kept += 1
            else:
                counts[:] = before
        scores[index] = score_counts(counts, size, weights, widths, overshoot, np.inf)
    return kept / max(1, moves * len(sets))
