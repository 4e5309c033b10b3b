"""Multiple testing: Benjamini-Hochberg, Simes, the two together over features and their sets, and Holm.

p-values lie in [0, 1]; NaN marks a test that was not made and is not counted. Results are never 0: a p-value that
underflowed counts as the smallest normal double. Every function raises UsageError for values outside [0, 1].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError

Floats = NDArray[np.float64]


def benjamini_hochberg(p: Floats, axis: int = -1, more: NDArray[np.int64] | int = 0) -> Floats:
    """Adjusted p-values along an axis: the smallest FDR level at which each test is rejected.

    `more` tests were made whose p-values are not at hand; they count as 1. It broadcasts against the other axes.
    Benjamini & Hochberg 1995 (doi:10.1111/j.2517-6161.1995.tb02031.x).
    """
    values = np.moveaxis(_checked(p), axis, -1)
    made: Floats = np.add.reduce(~np.isnan(values), axis=-1, keepdims=True, dtype=np.float64)
    made = made + np.expand_dims(np.asarray(more, dtype=np.float64), -1)
    order = np.argsort(values, axis=-1)  # NaN last
    ranked = np.take_along_axis(values, order, axis=-1)
    factors = made / np.arange(1, values.shape[-1] + 1, dtype=np.float64)
    scaled = np.where(np.isnan(ranked), np.inf, ranked * factors)
    adjusted = np.minimum(np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1], 1.0)
    result = np.empty_like(values)
    np.put_along_axis(result, order, np.where(np.isnan(ranked), np.nan, adjusted), axis=-1)
    return np.moveaxis(result, -1, axis)


def simes(p: Floats, axis: int = -1, more: NDArray[np.int64] | int = 0) -> Floats:
    """Simes' p-value of the hypothesis that no test along the axis has an effect; NaN where none was made.

    `more` as in benjamini_hochberg. Simes 1986 (doi:10.1093/biomet/73.3.751): min over i of m p_(i) / i, which is the
    smallest adjusted p-value.
    """
    adjusted = benjamini_hochberg(p, axis, more)
    smallest = np.min(np.where(np.isnan(adjusted), np.inf, adjusted), axis=axis, initial=np.inf)
    return np.where(np.isinf(smallest), np.nan, smallest)


def two_stage_q(p: Floats, more: NDArray[np.int64] | int = 0) -> Floats:
    """q (F, m): the smallest level at which Benjamini-Bogomolov rejects each test of p (F features, m tests).

    Of each feature `more` (F,) tests were made whose p-values are not at hand; they count as 1.

    At level q: Simes per feature, BH over the features at q selects R of the F that have a test, BH within each of
    these at q R / F (Benjamini & Bogomolov 2014, doi:10.1111/rssb.12028).
    """
    if p.ndim != 2:
        raise UsageError(f"Two-stage q-values need p-values of shape (features, tests), got {p.shape}.")
    return two_stage_q_of_adjusted(benjamini_hochberg(p, more=more))


def two_stage_q_of_adjusted(within: Floats) -> Floats:
    """`two_stage_q` of p-values (F, m) that are adjusted for all tests of their feature, whose smallest is its own p.

    Adjusted for the false discovery rate, or for any false discovery, as against the largest of a feature's statistics.
    """
    adjusted = _checked(within)
    best = np.min(np.where(np.isnan(adjusted), np.inf, adjusted), axis=1, initial=np.inf)
    selection = np.sort(benjamini_hochberg(np.where(np.isinf(best), np.nan, best)))
    selection = selection[~np.isnan(selection)]  # R(q) counts its values <= q
    if selection.size == 0:
        return np.full(adjusted.shape, np.nan)
    # A test with adjusted p-value a is rejected once q R(q) >= F a; that R then selects its feature too, for its Simes
    # p-value is <= a. The smallest such q is min over R of max(selection_R, F a / R): one falls as the other rises.
    needed = selection.size * adjusted
    counts = np.arange(1, selection.size + 1)
    crossing = np.searchsorted(selection * counts, needed)  # first R (from 0) with selection_R >= F a / R
    at_crossing = np.append(selection, np.inf)[crossing]
    before_crossing = needed / np.maximum(crossing, 1)
    before_crossing[crossing == 0] = np.inf
    q = np.clip(np.minimum(at_crossing, before_crossing), None, 1.0)
    return np.where(np.isnan(adjusted), np.nan, q)


def holm(p: Floats) -> Floats:
    """Adjusted p-values (m,): the smallest level at which each test is rejected with no false rejection at all.

    Under any dependence between the tests. Holm 1979 (https://www.jstor.org/stable/4615733).
    """
    values = _checked(p)
    made = np.count_nonzero(~np.isnan(values))
    order = np.argsort(values)[:made]  # NaN last
    scaled = values[order] * (made - np.arange(made))
    result = np.full(values.shape, np.nan)
    result[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return result


def _checked(p: Floats) -> Floats:
    values = np.asarray(p, dtype=np.float64)
    if np.any((values < 0) | (values > 1)):
        raise UsageError("p-values must lie between 0 and 1 (NaN for a test that was not made).")
    return np.maximum(values, np.finfo(np.float64).tiny)
