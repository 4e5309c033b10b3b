"""Agreement of judges: Krippendorff's alpha between two judges, or two runs of one judge, on the same items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

Scale = Literal["nominal", "interval"]


class Agreement(BaseModel):
    """Alpha over `items` that both answered, and how many one or neither did; `alpha` None where it is undefined."""

    alpha: float | None
    scale: Scale
    items: int
    missing: int


def krippendorff_alpha(values: np.ndarray, scale: Scale) -> float | None:
    """Alpha = 1 - D_o / D_e of values (judges, items) in numbers, NaN where there is none.

    D_o is the mean of delta over ordered pairs of values of one item, each item weighted by its number of values m
    over the pairs m (m - 1); D_e the same over all pairs of paired values. delta is 0 or 1 (nominal), or the squared
    difference (interval). Items with fewer than two values do not count (Krippendorff 2011, "Computing Krippendorff's
    alpha-reliability", https://repository.upenn.edu/asc_papers/43). None where all paired values are the same, or
    where there is none: nothing varies that judges could agree on.
    """
    found = np.asarray(values, np.float64)
    paired = [column[~np.isnan(column)] for column in found.T]
    paired = [column for column in paired if len(column) > 1]
    if not paired:
        return None
    pooled = np.concatenate(paired)
    expected = _disagreement(pooled, scale) / (len(pooled) - 1)
    observed = sum(_disagreement(column, scale) / (len(column) - 1) for column in paired)
    return 1 - observed / expected if expected > 0 else None


def _disagreement(values: np.ndarray, scale: Scale) -> float:
    """The sum of delta over all ordered pairs of values (n,)."""
    if scale == "interval":
        centred = values - values.mean()  # the sum of (a - b)^2 over pairs is 2 n sum (a - mean)^2
        return float(2 * len(values) * (centred @ centred))
    _, counts = np.unique(values, return_counts=True)
    return float(len(values) ** 2 - (counts**2).sum())


def agreement(
    first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]], scale: Scale = "nominal"
) -> Agreement:
    """Agreement over the answers in the details of scores of the same statements on the same items, in one order.

    Raises ValueError where two scores are of different numbers of items.
    """
    pairs = [(_numbers(one["answers"]), _numbers(other["answers"])) for one, other in zip(first, second, strict=True)]
    if any(len(one) != len(other) for one, other in pairs):
        raise ValueError("scores on different items")
    values = np.concatenate([np.empty((2, 0)), *(np.stack(pair) for pair in pairs)], axis=1)
    both = int((~np.isnan(values)).all(axis=0).sum())
    alpha = krippendorff_alpha(values, scale)
    return Agreement(alpha=alpha, scale=scale, items=both, missing=values.shape[1] - both)


def _numbers(answers: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if one is None else one for one in answers], np.float64)
