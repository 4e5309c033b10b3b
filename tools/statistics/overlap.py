"""Overlapping token sets: is a set enriched beyond what another one explains? Partial correlation answers.

r(y,B|A) = (r_B - r_A r_AB) / sqrt((1 - r_A^2)(1 - r_AB^2)), from correlations of a feature's scores y with 0/1
membership. Scores are rank-normal for a shift of the whole set, or mass.side_weights for a heavy tail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from .projection import standardise
from .ranks import descending_order

# Two sets whose membership correlates more than this are one set (or a set and its complement).
_SAME = 1 - 1e-9


def rank_normal_scores(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normal quantile of (rank - 1/2) / V of every weight (F, V), ranks rising with the weight; ties share a mean rank.

    Raises as ranks.checked_weights.
    """
    order = descending_order(weights)
    n = weights.shape[1]
    scores = np.empty(weights.shape, dtype=np.float32)
    by_rank = _normal_quantiles(np.arange(0.5, n, dtype=np.float64) / n)
    for row, ranked in enumerate(order):
        values = weights[row, ranked]
        as_before = np.concatenate([[False], values[1:] == values[:-1], [False]])
        starts, stops = np.flatnonzero(as_before[1:] != as_before[:-1]).reshape(-1, 2).T + [[0], [1]]  # blocks of ties
        of_rank = by_rank.copy()
        shared = _normal_quantiles((starts + stops) / (2 * n))
        of_rank[as_before[1:] | as_before[:-1]] = np.repeat(shared, stops - starts)
        scores[row, ranked] = of_rank
    return scores


def set_correlations(scores: torch.Tensor, membership: torch.Tensor) -> NDArray[np.float64]:
    """Pearson correlation (F, S) of scores (F, V) with 0/1 membership (V, S); NaN for constant scores or sets."""
    sizes = membership.sum(dim=0).cpu().double()
    sums = (standardise(scores) @ membership).cpu().double()
    spread = (sizes * (len(membership) - sizes)).sqrt()
    return torch.where(spread > 0, sums / spread, torch.nan).numpy()


def overlap_correlations(left: torch.Tensor, right: torch.Tensor) -> NDArray[np.float64]:
    """Correlation (A, B) between the columns of two 0/1 membership matrices (V, A) and (V, B), from exact counts."""
    shared = (left.T @ right).cpu().double().numpy()
    lefts, rights = left.sum(dim=0).cpu().double().numpy(), right.sum(dim=0).cpu().double().numpy()
    return correlation_of_counts(shared, lefts[:, None], rights[None], len(left))


def correlation_of_counts(
    shared: NDArray[np.float64], lefts: NDArray[np.float64], rights: NDArray[np.float64], n: int
) -> NDArray[np.float64]:
    """Correlation of membership in two sets of `lefts` and `rights` of n tokens that share so many, broadcast."""
    return (n * shared - lefts * rights) / np.sqrt(lefts * (n - lefts) * rights * (n - rights))


@dataclass(frozen=True)
class PartialCorrelation:
    """What set B adds to set A and A to B, for scores y: correlations given the other set, broadcast over all inputs.

    `agrees` says that B given A points where B alone points: a partial correlation of the other sign shows what B
    lacks beside A, not that it is enriched. NaN (and no agreement) where A and B are the same set or complements.
    """

    b_given_a: NDArray[np.float64]
    a_given_b: NDArray[np.float64]
    agrees: NDArray[np.bool_]


def partial_correlation(
    r_b: NDArray[np.float64], r_a: NDArray[np.float64], r_ab: NDArray[np.float64]
) -> PartialCorrelation:
    """Partial correlations of scores with B and A from r(y,B), r(y,A) and r(A,B)."""
    distinct = np.where(np.abs(r_ab) < _SAME, r_ab, np.nan)
    b_given_a = (r_b - r_a * distinct) / np.sqrt((1 - r_a**2) * (1 - distinct**2))
    a_given_b = (r_a - r_b * distinct) / np.sqrt((1 - r_b**2) * (1 - distinct**2))
    return PartialCorrelation(b_given_a, a_given_b, b_given_a * r_b > 0)


def direction_scaled_p(values: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """One-sided p (F, 2, S), promoted and suppressed, of correlations (F, S) scaled by those of reference directions.

    Normal, with each column's mean and standard deviation over the reference (n, S). Made for rank-normal scores, whose
    correlations have lighter tails than normal over directions, so that small p-values are too large, never too small;
    correlations of side weights have heavier ones: count those.
    """
    z = (values - reference.mean(axis=0)) / reference.std(axis=0)
    tails: list[NDArray[np.float64]] = [ndtr(-z), ndtr(z)]
    return np.stack(tails, axis=1)


def _normal_quantiles(upper: NDArray[np.float64]) -> NDArray[np.float64]:
    return -ndtri(upper)
