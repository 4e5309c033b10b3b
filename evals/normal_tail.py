"""Upper tails of null distributions beyond what was counted, as those of a normal distribution.

Enrichment scores have such tails: under random sets P(ES > x) falls as exp(-2 n x^2) in sets of n tokens (Smirnov), and
under random directions the weights themselves are normal. Few directions can be scored, so that without a tail no
feature's best set could stand out among a thousand.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from ..tools.statistics.reference import ReferenceDistribution
from ..tools.statistics.tail_sampling import LEVELS

EXCEEDING = 250  # largest null values that a tail is fitted to


def with_normal_tails(reference: ReferenceDistribution) -> ReferenceDistribution:
    """The distribution with, in place of the bound where no draw reaches a value, p from its column's fitted tail."""

    def deep(column: int) -> np.ndarray:
        return tail_values(reference.tail[column], reference.count)

    return replace(reference, deep=deep)


def tail_values(largest: np.ndarray, count: int) -> np.ndarray:
    """Values reached with probabilities LEVELS, (L,), by the largest of `count` null values, ascending.

    The values are regressed on the normal quantiles of their ranks. NaN for levels that lie before the tail.
    """
    tail = largest[-EXCEEDING:].astype(np.float64)
    quantiles = norm.isf((np.arange(len(tail), 0, -1) - 0.5) / count)
    slope, intercept = np.polyfit(quantiles, tail, 1)
    return np.where(len(tail) / count > LEVELS, intercept + slope * norm.isf(LEVELS), np.nan)
