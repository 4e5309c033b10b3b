"""Statistics of token sets that are compared with each other: rankings of the tokens, and scores averaged over a set.

A statistic takes its values on the promoted and on the suppressed side, (n, 2, S). Most are the mean over a set's
members of some score of the token's standardised weight x, so that one product with the membership matrix gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy import stats

from ..tools.statistics.directions import DirectionModel
from ..tools.statistics.mass import CLIP
from ..tools.statistics.whitening import whitened
from ..tools.views import View, ranked_values
from .set_tops import top_means

Ranking = Literal["logit weights", "scaled", "whitened", "twice whitened"]
Score = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Family:
    """Statistics computed together from one ranking: `evaluate` gives (n, 2, len(names) S), one after another.

    `evaluate` receives a view and weights over its tokens (n, V), each row with mean 0 and standard deviation 1.
    """

    ranking: Ranking
    names: tuple[str, ...]
    evaluate: Callable[[View, torch.Tensor], np.ndarray]


@dataclass(frozen=True)
class Combination:
    """A statistic made of others on the logit weights: p (n, 2, S) from those of its parts and the sets' sizes (S,)."""

    name: str
    parts: tuple[str, ...]
    combine: Callable[[Sequence[np.ndarray], np.ndarray], np.ndarray]


def read_out(ranking: Ranking, unembedding: np.ndarray, model: DirectionModel) -> torch.Tensor:
    """The matrix (D, V) that turns directions into the weights of a ranking.

    *scaled* divides each token's logit weight by its standard deviation over the model's directions. *whitened* makes
    the covariance of the unembedding's columns the identity (C^-1/2 W_U), *twice whitened* gives the coefficients with
    which a direction is a sum of those columns (C^-1 W_U).
    """
    if ranking == "scaled":
        columns = unembedding.astype(np.float64)
        return _float32(columns / np.sqrt(np.einsum("dv,de,ev->v", columns, model.covariance, columns, optimize=True)))
    if ranking == "logit weights":
        return _float32(unembedding)
    return _float32(whitened(unembedding, -0.5 if ranking == "whitened" else -1.0))


def means_of(scores: Mapping[str, Score], ranking: Ranking = "logit weights") -> Family:
    """Means over the set of scores of x; the suppressed side scores -x."""

    def evaluate(view: View, x: torch.Tensor) -> np.ndarray:
        return np.concatenate([_set_means(view, torch.stack([f(x), f(-x)], dim=1)) for f in scores.values()], axis=2)

    return Family(ranking, tuple(scores), evaluate)


def rank_means_of(scores: Mapping[str, Score], ranking: Ranking = "logit weights") -> Family:
    """As `means_of`, with x replaced by the normal quantile of its rank (van der Waerden's score): all features then
    have the same distribution of x, and only which tokens stand where can matter."""
    inner = means_of(scores, ranking)
    return Family(ranking, inner.names, lambda view, x: inner.evaluate(view, normal_scores(x)))


def normal_scores(x: torch.Tensor) -> torch.Tensor:
    """Normal quantiles of ranks, largest value first, of rows (n, V)."""
    tokens = x.shape[1]
    quantiles = torch.from_numpy(stats.norm.isf((np.arange(tokens) + 0.5) / tokens)).to(x)
    order = torch.from_numpy(np.argsort(-x.numpy(), axis=1))
    return torch.empty_like(x).scatter_(1, order, quantiles.expand_as(x))


def tilt(rate: float, clip: float = CLIP) -> Score:
    """exp(rate min(x, clip))."""
    return lambda x: (rate * x.clamp(max=clip)).exp()


def mass_score(rate: float, clip: float = CLIP) -> Score:
    """The tilt over its mean in the universe; its mean over a set is the exponential of the set's mass."""

    def score(x: torch.Tensor) -> torch.Tensor:
        weights = tilt(rate, clip)(x)
        return weights / weights.mean(dim=1, keepdim=True)

    return score


def beyond(threshold: float, power: int) -> Score:
    """relu(x - threshold)^power."""
    return lambda x: (x - threshold).relu() ** power


def among_top(count: int) -> Score:
    """1 for the `count` largest values of a row, else 0."""
    return lambda x: torch.zeros_like(x).scatter_(1, x.topk(count, dim=1).indices, 1.0)


def cauchy(p: Sequence[np.ndarray], _sizes: np.ndarray) -> np.ndarray:
    """Cauchy combination of p-values, valid in the tail whatever their dependence (Liu & Xie 2020)."""
    mean = np.mean([1 / np.tan(np.pi * one) for one in p], axis=0)
    return np.arctan2(1, mean) / np.pi


def by_size(p: Sequence[np.ndarray], sizes: np.ndarray) -> np.ndarray:
    """The first p for sets of up to 30 tokens, the second up to 150, the third beyond."""
    return np.choose(np.digitize(sizes, (30.5, 150.5)), p)


def _set_means(view: View, scores: torch.Tensor) -> np.ndarray:
    rows, sides, tokens = scores.shape
    means = (scores.reshape(-1, tokens) @ view.membership) / view.membership.sum(dim=0)
    return means.reshape(rows, sides, -1).numpy()


def _top_members(view: View, x: torch.Tensor) -> np.ndarray:
    """Means of the set's 5 and 20 largest x; mean of exp(x) without the largest x, over the mean in the universe."""
    found: list[np.ndarray] = []
    for side in (x, -x):
        weights = tilt(1)(side)
        largest, *means = top_means(side.numpy(), view.sets, (1, 5, 20))
        others = (weights @ view.membership).numpy() - np.exp(np.minimum(largest, CLIP))
        found.append(
            np.concatenate([*means, others / (view.sets.sizes - 1) / weights.mean(dim=1, keepdim=True).numpy()], 1)
        )
    return np.stack(found, axis=1)


def _float32(matrix: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(matrix, dtype=np.float32))


MASS, HALF, DOUBLE = "mass, exp(x)", "mass, exp(x / 2)", "mass, exp(2 x)"
TOP_20, TAIL = "top 20 members", "rank tail, relu(z - 1)^2"
YARDSTICK = rank_means_of({TAIL: beyond(1, 2)})
WHITENED = (
    means_of({MASS: mass_score(1), "mean": lambda x: x}, "whitened"),
    rank_means_of({TAIL: beyond(1, 2)}, "whitened"),
)
FEW: tuple[Family, ...] = (means_of({MASS: mass_score(1)}), *WHITENED)
FAMILIES: tuple[Family, ...] = (
    means_of(
        {
            MASS: mass_score(1),
            HALF: mass_score(0.5),
            "mass, exp(5/4 x)": mass_score(1.25),
            DOUBLE: mass_score(2),
            "mass, exp(x), clipped at 4": mass_score(1, clip=4),
        }
    ),
    means_of({"exp(x)": tilt(1), "exp(x) - exp(-x)": lambda x: tilt(1)(x) - tilt(1)(-x)}),
    means_of({"relu(x - 2)": beyond(2, 1), "relu(x - 2)^2": beyond(2, 2), "x^3": lambda x: x**3}),
    means_of({"mean": lambda x: x, "share of the top 50": among_top(50)}),
    Family("logit weights", ("top 5 members", TOP_20, "mass without the top member"), _top_members),
    Family("logit weights", ("ES p=0", "ES p=1", "rank sum"), lambda view, x: ranked_values(view.ranked(x))),
    rank_means_of({TAIL: beyond(1, 2), "rank mass, exp(5/4 z)": tilt(1.25)}),
    means_of({"relu(x - 2)^2": beyond(2, 2)}, "scaled"),
    *WHITENED,
    means_of({"exp(x)": tilt(1), "relu(x - 1)^2": beyond(1, 2), "share of the top 50": among_top(50)}, "whitened"),
    means_of({MASS: mass_score(1), "mean": lambda x: x}, "twice whitened"),
    rank_means_of({TAIL: beyond(1, 2)}, "twice whitened"),
)
COMBINATIONS = (
    Combination("Cauchy of the masses exp(x / 2), exp(x), exp(2 x)", (HALF, MASS, DOUBLE), cauchy),
    Combination("Cauchy of the mass and the top 20 members", (MASS, TOP_20), cauchy),
    Combination("mass, rate by set size: 1/2, 1, 2", (HALF, MASS, DOUBLE), by_size),
)
