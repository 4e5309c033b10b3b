"""Weighted enrichment scores (p=1) of many random sets under many rankings.

Random sets are kept in rank space, LANES side by side, so that the inner loops are vector instructions and one bank
serves every feature. float32 carries the running sums: its rounding is far below the spread of random scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import compiled

Floats = NDArray[np.float32]

LANES = 256


@compiled
def begin_sums(state: Floats) -> None:
    """Turn totals of |weight| into factors, NaN where a set has no weight, and reset the running sums."""
    for lane in range(LANES):
        total = state[0, lane]
        state[0, lane] = np.float32(1) / total if total > 0 else np.float32(np.nan)
        state[1:, lane] = 0


@compiled
def end_sums(state: Floats, scores: Floats) -> None:
    """ES+ and |ES-| of LANES sets into scores (2, LANES)."""
    for lane in range(LANES):
        undefined = state[0, lane] != state[0, lane]
        scores[0, lane] = np.nan if undefined else min(state[2, lane], np.float32(1))
        scores[1, lane] = np.nan if undefined else min(-state[3, lane], np.float32(1))


@compiled
def score_members(weights: Floats, members: NDArray[np.uint32], scores: Floats) -> None:
    """Scores (F, 2, tiles * LANES) of sets given by their members' ranks.

    weights (F, V) are |weight| by rank, members (tiles, k, LANES) ascend along k.
    """
    tiles, size, _ = members.shape
    per_miss = np.float32(1 / (weights.shape[1] - size))
    state = np.empty((4, LANES), dtype=np.float32)
    gained = np.empty((size, LANES), dtype=np.float32)
    for tile in range(tiles):
        for row in range(len(weights)):
            for lane in range(LANES):
                state[0, lane] = 0
            for nth in range(size):
                for lane in range(LANES):
                    gained[nth, lane] = weights[row, members[tile, nth, lane]]
                for lane in range(LANES):
                    state[0, lane] += gained[nth, lane]
            begin_sums(state)
            for nth in range(size):
                earlier = np.float32(nth)
                for lane in range(LANES):
                    missed = (np.float32(members[tile, nth, lane]) - earlier) * per_miss
                    before = state[1, lane] - missed
                    now = state[1, lane] + gained[nth, lane] * state[0, lane]
                    state[1, lane] = now
                    after = now - missed
                    state[2, lane] = after if after > state[2, lane] else state[2, lane]
                    state[3, lane] = before if before < state[3, lane] else state[3, lane]
            end_sums(state, scores[row, :, tile * LANES : (tile + 1) * LANES])


@compiled
def score_counts(
    weights: Floats, counts: Floats, missed: Floats, overshoot: Floats, per_miss: np.float32, scores: Floats
) -> None:
    """Scores (F, 2, tiles * LANES) of sets given by how many members they have in each bin of ranks.

    weights (F, B) are mean |weight| by bin, counts (tiles, B, LANES), missed (B,) what the sum falls over a bin without
    members; overshoot (F, B) is what its extremes inside a bin stand out beyond the ends of bins.
    """
    tiles, bins, _ = counts.shape
    state = np.empty((4, LANES), dtype=np.float32)
    for tile in range(tiles):
        for row in range(len(weights)):
            for lane in range(LANES):
                state[0, lane] = 0
            for b in range(bins):
                weight = weights[row, b]
                for lane in range(LANES):
                    state[0, lane] += counts[tile, b, lane] * weight
            begin_sums(state)
            for b in range(bins):
                weight, miss, out = weights[row, b], missed[b], overshoot[row, b]
                for lane in range(LANES):
                    now = state[1, lane] + (counts[tile, b, lane] * (weight * state[0, lane] + per_miss) - miss)
                    state[1, lane] = now
                    high, low = now + out, now - out
                    state[2, lane] = high if high > state[2, lane] else state[2, lane]
                    state[3, lane] = low if low < state[3, lane] else state[3, lane]
            end_sums(state, scores[row, :, tile * LANES : (tile + 1) * LANES])
