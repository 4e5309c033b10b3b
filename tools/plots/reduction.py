"""Few numbers that keep a picture's looks: what figures and the interactive view have in common."""

from __future__ import annotations

import numpy as np

FEW = 300  # members up to this many are also drawn one by one
PROFILE = 200  # stretches of the ranking in which many hits are counted
VISIBLE = 5e-4  # a smaller ES+ or ES- would be written as 0.000, and is left out


def bin_edges(members: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Edges of the bins that both groups of weights are counted in.

    Few members make a spiky histogram in narrow bins, so there are as many bins as the smaller group allows.
    """
    weights = np.concatenate([members, others])
    bins = int(np.clip(4 * np.sqrt(min(members.size, others.size)), 20, 80))
    if not np.ptp(weights):
        return np.histogram_bin_edges(weights, bins)  # around the one value
    return np.linspace(weights.min(), weights.max(), bins + 1)


def outline(curve: np.ndarray, points: int) -> np.ndarray:
    """Indices of about `points` points that keep the curve's looks: both ends, and the extremes of each stretch."""
    starts = np.unique(np.linspace(0, curve.size, points // 2, endpoint=False, dtype=np.int64))
    stretches = np.split(curve, starts[1:])
    lows = [start + int(np.argmin(stretch)) for start, stretch in zip(starts, stretches, strict=True)]
    highs = [start + int(np.argmax(stretch)) for start, stretch in zip(starts, stretches, strict=True)]
    return np.unique([0, *lows, *highs, curve.size - 1])


def peak_rank(running: np.ndarray, score: float) -> int:
    """The rank at which the running sum stands at `score` (ES+ or ES-), counted from 0."""
    return int(np.argmin(np.abs(running - score)))
