"""The random-set null of the rank sum (Wilcoxon, Mann and Whitney), ties included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .p_values import PValues

Floats = NDArray[np.float64]


def rank_sum_p(auroc: Floats, sizes: NDArray[np.int64], untied: Floats, n: int) -> PValues:
    """One-sided p (F, 2, S) of AUROC (F, S) for random sets of `sizes` (S,) of n items, by the normal approximation.

    `untied` (F,) are the rows' untied shares (enrichment.SetScores), by which ties multiply the variance of draws
    without replacement (Lehmann 1975, Nonparametrics, section 1.4). NaN stays NaN. The error is the next term of the
    expansion of log p, excess kurtosis times z^4 / 24 (Fix and Hodges 1955, doi:10.1214/aoms/1177728547, give the
    kurtosis).
    """
    variance = untied[:, None] * (n + 1) / (12 * sizes * (n - sizes))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.asarray((auroc - 0.5) / np.sqrt(variance))
    tails: list[Floats] = [ndtr(-z), ndtr(z)]
    p = np.maximum(np.stack(tails, axis=1), np.finfo(np.float64).tiny)
    k, m = sizes.astype(np.float64), n - sizes.astype(np.float64)
    kurtosis = 1.2 * (k**2 + m**2 + k * m + n) / (k * m * (n + 1))
    of_tail = kurtosis * z**4 / (24 * np.log(10))
    # What the smaller of the two p is off by, the other one is off by too.
    error = of_tail[:, None] * np.minimum(1.0, (1 - p) / p)
    return PValues(p, error)
