"""Feature classes from the shape of the logit weight distribution (Bloom and Lin 2024, Gurnee et al. 2024).

Thresholds come from matched random directions, each of the five criteria at a fifth of the false-class rate, so that at
most that share of directions which are no features would be given a class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .moments import Moments

# Their codes: places in names.CLASSES.
LOCAL, PARTITION, PREDICTION, SUPPRESSION, UNCLASSIFIED = range(5)
FALSE_CLASS_RATE = 0.05
# A local context feature is one that few tokens carry: half of the fourth moment in the five most promoted ones.
LOCAL_CONCENTRATION = 0.5


@dataclass(frozen=True)
class ClassThresholds:
    """Bounds on moments; `std` is that of a unit-norm direction's logit weights."""

    std: float
    bimodality: float
    skewness_low: float
    skewness_high: float
    kurtosis: float
    kurtosis_typical: float

    @classmethod
    def from_null(cls, moments: Moments, rate: float = FALSE_CLASS_RATE) -> ClassThresholds:
        """Thresholds that matched random directions with these moments pass at most at `rate` in all."""
        share = rate / 5
        return cls(
            std=float(np.quantile(moments.std, 1 - share)),
            bimodality=float(np.quantile(moments.bimodality, 1 - share)),
            skewness_low=float(np.quantile(moments.skewness, share)),
            skewness_high=float(np.quantile(moments.skewness, 1 - share)),
            kurtosis=float(np.quantile(moments.kurtosis, 1 - share)),
            kurtosis_typical=float(np.median(moments.kurtosis)),
        )


def classify(moments: Moments, concentration: np.ndarray, thresholds: ClassThresholds) -> np.ndarray:
    """Class codes (F,), indices into CLASSES, of unit-norm directions; NaN moments are unclassified.

    `concentration` (F,) is the share of the fourth moment that the five most promoted tokens hold.
    """
    spread = (moments.std >= thresholds.std) | (moments.bimodality >= thresholds.bimodality)
    return np.select(
        [
            spread & (moments.kurtosis <= thresholds.kurtosis_typical),
            (moments.kurtosis >= thresholds.kurtosis) & (concentration >= LOCAL_CONCENTRATION),
            moments.skewness >= thresholds.skewness_high,
            moments.skewness <= thresholds.skewness_low,
        ],
        [PARTITION, LOCAL, PREDICTION, SUPPRESSION],
        default=UNCLASSIFIED,
    )
