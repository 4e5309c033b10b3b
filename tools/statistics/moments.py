"""Moments of each feature's logit weight distribution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ranks import checked_weights


@dataclass(frozen=True)
class Moments:
    """One value per feature, each (F,) float64; skewness, kurtosis and bimodality are NaN for constant rows."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    skewness: NDArray[np.float64]
    kurtosis: NDArray[np.float64]  # Pearson's: 3 for a normal distribution
    bimodality: NDArray[np.float64]  # 5/9 for a uniform distribution, 1 for two points


def moments(weights: NDArray[np.float32]) -> Moments:
    """Population moments (divisor V) in float64 of each row of weights (F, V).

    Bimodality is Sarle's coefficient (skewness^2 + 1) / kurtosis (Ellison 1987; Pfister et al. 2013,
    doi:10.3389/fpsyg.2013.00700, without its small-sample correction). Raises as ranks.checked_weights.
    """
    weights = checked_weights(weights)
    table = np.full((4, len(weights)), np.nan)
    for feature, row in enumerate(weights):
        values = np.asarray(row, dtype=np.float64)
        mean = float(np.mean(values))
        constant = values.min() == values.max()
        deviations = np.zeros_like(values) if constant else values - mean
        std = np.sqrt(np.mean(deviations * deviations))
        table[:2, feature] = (values[0] if constant else mean), std
        if not constant:
            standard = deviations / std  # powers of these cannot overflow
            squares = standard * standard
            table[2:, feature] = np.mean(squares * standard), np.mean(squares * squares)
    mean, std, skewness, kurtosis = table
    return Moments(mean, std, skewness, kurtosis, (skewness**2 + 1) / kurtosis)
