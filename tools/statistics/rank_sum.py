"""The random-set null of the rank sum (Wilcoxon, Mann and Whitney), ties included."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from .p_values import PValues

Floats = NDArray[np.float64]


def untied_share(ranked: NDArray[np.float32]) -> Floats:
    """1 - sum(t^3 - t) / (n^3 - n) over the tie blocks t of every sorted row (F, n): 1 without ties, 0 for one value.

    Ties multiply the variance of the rank sum by it (Lehmann 1975, Nonparametrics, section 1.4).
    """
    n = ranked.shape[1]
    shares = np.ones(len(ranked), dtype=np.float64)
    for row, of_row in enumerate(ranked):
        starts = np.flatnonzero(of_row[1:] != of_row[:-1]) + 1
        if len(starts) < n - 1:
            ties = np.diff(starts, prepend=0, append=n).astype(np.float64)
            shares[row] = 1 - float(np.sum(ties**3 - ties)) / (float(n) ** 3 - n)
    return shares


def rank_sum_p(auroc: Floats, sizes: NDArray[np.int64], untied: Floats, n: int) -> PValues:
    """One-sided p (F, 2, S) of AUROC (F, S) for random sets of `sizes` (S,) of n items, by the normal approximation.

    `untied` (F,) are the rows' untied shares. The variance is that of draws without replacement; NaN stays NaN. The
    error is the next term of the expansion of log p, excess kurtosis times z^4 / 24 (Fix and Hodges 1955,
    doi:10.1214/aoms/1177728547, give the kurtosis).
    """
    variance = untied[:, None] * (n + 1) / (12 * sizes * (n - sizes))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.asarray((auroc - 0.5) / np.sqrt(variance))
    tails: list[Floats] = [ndtr(-z), ndtr(z)]
    p = np.maximum(np.stack(tails, axis=1), np.finfo(np.float64).tiny)
    k, m = sizes.astype(np.float64), n - sizes.astype(np.float64)
    kurtosis = 1.2 * (k**2 + m**2 + k * m + n) / (k * m * (n + 1))
    error = kurtosis * z**4 / (24 * np.log(10))
    return PValues(p, np.stack([error, error], axis=1))
