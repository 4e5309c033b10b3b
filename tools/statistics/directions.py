"""Direction nulls: what would directions that are no features of this dictionary show?

*present* asks of a direction that knows nothing of the dictionary (isotropic on the sphere), *specific* of a typical
direction of the dictionary (normal, with the mean and covariance of its unit-norm live decoder rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from scipy import stats

NullName = Literal["present", "specific"]
NULLS: tuple[NullName, NullName] = ("present", "specific")
# Below this many rows per dimension the sample covariance is too noisy to be used as it is.
ROWS_PER_DIMENSION = 10


def unit_rows(directions: np.ndarray) -> np.ndarray:
    """Rows (F, D) scaled to norm 1 in float64; rows of norm 0 stay 0."""
    rows = directions.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(norms > 0, norms, 1)


def nearest_rows(rows: np.ndarray, direction: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Which rows (F, D) have the largest cosine with a direction (D,), largest first, and the cosines."""
    cosines = unit_rows(rows) @ unit_rows(direction[None])[0]
    order = np.argsort(-cosines, kind="stable")[:most]
    return order, cosines[order]


def nearest_to(rows: np.ndarray, row: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """`nearest_rows` of one of the rows, without itself."""
    order, cosines = nearest_rows(rows, rows[row], most + 1)
    others = np.flatnonzero(order != row)[:most]
    return order[others], cosines[others]


@dataclass(frozen=True)
class DirectionModel:
    """Normal model of directions: mean (D,), covariance (D, D) and a factor with factor @ factor.T = covariance."""

    mean: np.ndarray
    covariance: np.ndarray
    factor: np.ndarray

    @classmethod
    def isotropic(cls, dimension: int) -> DirectionModel:
        """Every direction equally likely."""
        return cls(np.zeros(dimension), np.eye(dimension), np.eye(dimension))

    @classmethod
    def of_rows(cls, dictionary: np.ndarray) -> DirectionModel:
        """Mean and covariance of a dictionary's unit-norm rows (F, D), shrunk where rows are few.

        Towards a multiple of the identity. Shrinkage intensity: oracle approximating shrinkage, Chen, Wiesel, Eldar and
        Hero (2010).
        """
        rows = unit_rows(dictionary)
        count, dimension = rows.shape
        mean = rows.mean(axis=0)
        covariance = (rows - mean).T @ (rows - mean) / count
        if count < ROWS_PER_DIMENSION * dimension:
            trace, trace_of_square = np.trace(covariance), float((covariance**2).sum())
            numerator = (1 - 2 / dimension) * trace_of_square + trace**2
            denominator = (count + 1 - 2 / dimension) * (trace_of_square - trace**2 / dimension)
            shrinkage = 1.0 if denominator <= 0 else min(1.0, numerator / denominator)
            covariance = (1 - shrinkage) * covariance + shrinkage * trace / dimension * np.eye(dimension)
        values, vectors = np.linalg.eigh(covariance)
        return cls(mean, covariance, vectors * np.sqrt(np.maximum(values, 0)))

    def sample(self, count: int, seed: Sequence[int]) -> torch.Tensor:
        """Draw float32 directions (count, D); the same seed gives the same directions."""
        noise = np.random.default_rng(seed).standard_normal((count, len(self.mean)), dtype=np.float32)
        drawn = noise @ self.factor.T.astype(np.float32) + self.mean.astype(np.float32)
        return torch.from_numpy(drawn)  # pyright: ignore[reportUnknownMemberType] (torch leaves the array untyped)


def mean_p_present(directions: np.ndarray, set_means: np.ndarray) -> np.ndarray:
    """Exact one-sided p (F, 2, S) of set means of logit weights under isotropic directions.

    `set_means` (D, S) are the mean vocabulary-centred unembedding columns. The cosine c of an isotropic direction with
    a fixed vector has c sqrt((D-1)/(1-c^2)) ~ t with D-1 degrees of freedom.
    """
    dimension = directions.shape[1]
    cosine = np.clip(unit_rows(directions) @ unit_rows(set_means.T).T, -1, 1)
    with np.errstate(divide="ignore"):
        t = cosine * np.sqrt((dimension - 1) / (1 - cosine**2))
    return _both_tails(stats.t(dimension - 1), t)


class MeanNull:
    """Set means of logit weights under the dictionary's own normal model, for the sets of `set_means` (D, S).

    Each set's z is scaled by the median absolute deviation of z over the dictionary's rows (never below the model's own
    scale), so that heavy tails of the dictionary do not pass for discoveries.
    """

    def __init__(self, set_means: np.ndarray, model: DirectionModel, dictionary: np.ndarray) -> None:
        self._mean, self._vectors = model.mean, set_means.astype(np.float64)
        own_scale = np.sqrt(np.einsum("ds,de,es->s", self._vectors, model.covariance, self._vectors))
        z = self._centred(dictionary) / own_scale
        robust = np.median(np.abs(z), axis=0) / stats.norm.ppf(0.75)
        self._scale = own_scale * np.maximum(robust, 1)

    def p_values(self, directions: np.ndarray) -> np.ndarray:
        """One-sided p (F, 2, S) of directions (F, D)."""
        return _both_tails(stats.norm(), self._centred(directions) / self._scale)

    def _centred(self, directions: np.ndarray) -> np.ndarray:
        return (unit_rows(directions) - self._mean) @ self._vectors


def _both_tails(distribution: Any, values: np.ndarray) -> np.ndarray:
    """Upper and lower tail probabilities side by side: (F, S) -> (F, 2, S)."""
    both = np.stack([distribution.sf(values), distribution.cdf(values)], axis=1)
    return np.maximum(both, np.finfo(np.float64).tiny)
