"""Confidence of claims, measured inside the run: how often do hypotheses this strong hold on tokens not yet looked at?

Confirm tokens are split off in the same way and number as the sealed test tokens, so the share of selected hypotheses
that hold on confirm estimates the probability that one holds on test. The share is taken among hypotheses of similar
strength, monotone in strength (isotonic regression).
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import isotonic_regression

MIN_BIN = 20


def holding_rate(strength: np.ndarray, held: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Probability of holding at strengths `at`, from hypotheses with a known outcome (`held`, boolean).

    Hypotheses are binned by strength, 20 or more a bin; each bin's share is (held + 1) / (n + 2), so that few
    hypotheses never give 0 or 1. Without any outcome the answer is .5.
    """
    if len(strength) == 0:
        return np.full(len(at), 0.5)
    order = np.argsort(strength, kind="stable")
    bins = np.array_split(order, max(1, len(order) // MIN_BIN))
    centres = np.array([strength[b].mean() for b in bins])
    shares = np.array([(held[b].sum() + 1) / (len(b) + 2) for b in bins])
    fitted = isotonic_regression(shares, weights=np.array([len(b) for b in bins])).x
    return np.interp(at, centres, fitted)
