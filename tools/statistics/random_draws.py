"""Random sets of one size in rank space, weighted so that few of them stand for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, special

from ._random_set_kernels import LANES, score_counts, score_members
from .rank_bins import RankBins

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Number = TypeVar("Number", np.float32, np.uint32)
Real = TypeVar("Real", np.float32, np.float64)

DRAWS = 2 * LANES
POOL = 32 * LANES

_BY_MEMBER = 64  # up to this size a set is scored member by member, beyond it by bins of ranks
MIDDLE = 96  # the widest bins hold 1 / 96 of the universe


@dataclass(frozen=True)
class Ranked:
    """|weights| of F rankings by rank, most promoted first, (F, V), and their means by bin of ranks, (F, B)."""

    magnitudes: Singles
    means: Singles


class RandomDraws:
    """DRAWS random sets of `size` ranks of the universe that is cut into `bins`, with weights that sum to 1.

    Under rankings of typical shapes the weighted moments of their scores are those of a pool of POOL sets, and so,
    nearly, they are under any ranking (calibration weights: Deville and Sarndal 1992,
    doi:10.1080/01621459.1992.10475217).
    """

    def __init__(self, bins: RankBins, size: int, seed: Sequence[int]) -> None:
        pool = (_Members if size <= _BY_MEMBER else _Counts).drawn(bins, size, np.random.default_rng(seed))
        typical = _typical_magnitudes(bins.n_tokens)
        y = log_score(pool.scores(Ranked(typical, bins.means(typical))), bins.n_tokens).reshape(-1, POOL)
        powers = np.concatenate([y, y**2, y**3])
        self._sets = pool.first(DRAWS // LANES)
        self.weights = _calibrated(powers[:, :DRAWS].astype(np.float64), powers.mean(axis=1, dtype=np.float64))

    def scores(self, ranked: Ranked) -> Singles:
        """ES+ and |ES-| of each set under each ranking, (F, 2, DRAWS); NaN for sets without weight."""
        return self._sets.scores(ranked)


@dataclass(frozen=True)
class _Members:
    """Small sets by their members' ranks."""

    tiles: NDArray[np.uint32]  # (tiles, k, LANES)

    @classmethod
    def drawn(cls, bins: RankBins, size: int, rng: np.random.Generator) -> _Members:
        ranks = [rng.choice(bins.n_tokens, size, replace=False, shuffle=False) for _ in range(POOL)]
        return cls(_tiled(np.sort(np.array(ranks, dtype=np.uint32), axis=1)))

    def first(self, tiles: int) -> _Members:
        return _Members(self.tiles[:tiles].copy())

    def scores(self, ranked: Ranked) -> Singles:
        scores = np.empty((len(ranked.magnitudes), 2, len(self.tiles) * LANES), dtype=np.float32)
        score_members(ranked.magnitudes, self.tiles, scores)
        return scores


@dataclass(frozen=True)
class _Counts:
    """Larger sets by how many members they have in each bin."""

    tiles: Singles  # (tiles, B, LANES)
    bins: RankBins
    size: int

    @classmethod
    def drawn(cls, bins: RankBins, size: int, rng: np.random.Generator) -> _Counts:
        counts = rng.multivariate_hypergeometric(bins.widths, size, size=POOL, method="marginals")
        return cls(_tiled(counts.astype(np.float32)), bins, size)

    def first(self, tiles: int) -> _Counts:
        return _Counts(self.tiles[:tiles].copy(), self.bins, self.size)

    def scores(self, ranked: Ranked) -> Singles:
        widths, n_tokens = self.bins.widths, self.bins.n_tokens
        per_miss = 1 / (n_tokens - self.size)
        expected = ranked.means @ widths * (self.size / n_tokens)
        jumps = ranked.means / np.maximum(expected, np.finfo(np.float32).tiny)[:, None] + per_miss
        overshoot = (jumps * self.bins.overshoot(self.size)).astype(np.float32)
        missed = (widths * per_miss).astype(np.float32)
        scores = np.empty((len(ranked.means), 2, len(self.tiles) * LANES), dtype=np.float32)
        score_counts(ranked.means, self.tiles, missed, overshoot, np.float32(per_miss), scores)
        return scores


def _tiled(sets: NDArray[Number]) -> NDArray[Number]:
    """(n, a) -> (n / LANES, a, LANES)."""
    return np.ascontiguousarray(sets.reshape(-1, LANES, sets.shape[1]).transpose(0, 2, 1))


def log_score(scores: NDArray[Real], n_tokens: int) -> NDArray[Real]:
    """-log(1 - score); a perfect score counts as half a token's share of the universe below, to stay finite."""
    return -np.log1p(-np.minimum(scores, np.asarray(1 - 0.5 / n_tokens, dtype=scores.dtype)))


def _typical_magnitudes(n_tokens: int) -> Singles:
    """|weights| by rank of rankings flat, normal, heavy-tailed on both sides, and exponential on one."""
    levels = (np.arange(n_tokens) + 0.5) / n_tokens
    normal = np.abs(special.ndtri(levels))
    exponential = np.abs(-np.log(levels) - 1)
    shapes = [np.ones(n_tokens), normal, normal**2, exponential, exponential[::-1]]
    # Never 0: the middle rank alone would have no score.
    return np.maximum(np.array(shapes, dtype=np.float32), 1e-4)


def _calibrated(controls: Floats, targets: Floats) -> Singles:
    """Weights summing to 1, closest to equal ones, with which the controls (C, n) average to the targets (C,)."""
    means = controls.mean(axis=1)
    centred = controls - means[:, None]
    scale = np.maximum(centred.std(axis=1), np.finfo(np.float32).tiny)
    centred /= scale[:, None]
    covariance = centred @ centred.T / centred.shape[1]
    needed = linalg.pinvh(covariance, rtol=1e-6) @ ((targets - means) / scale)
    return ((1 + needed @ centred) / centred.shape[1]).astype(np.float32)
