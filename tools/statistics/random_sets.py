"""The classic null of the weighted enrichment score (p=1): a random set of k of the universe's V tokens.

Random sets are drawn once per set size in rank space and shared by all features. Their scores under a feature's
|weights| give three moments of y = -log(1 - ES), interpolated over set size; the p-value is the tail of the gamma
distribution with these moments. Tokens count as independent here, which they are not: the direction nulls judge, this
one is for comparison. Weights are taken as free of ties; where they tie, the p-value is too large.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ..errors import UsageError
from .enrichment import EnrichmentScores
from .p_values import PValues
from .random_draws import MIDDLE, RandomDraws, Ranked, log_score
from .rank_bins import RankBins
from .ranks import checked_weights
from .threads import over_blocks

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Sizes = NDArray[np.int64]

_BLOCK = 16  # rankings scored at once: their scores stay in the processor's cache
_LEAST_SKEWNESS = 0.01  # a smaller one would end the distribution below some possible score
_SMALLEST = float(np.finfo(np.float64).tiny)
# The error of log10 p grows with its square: measured against multilevel splitting down to p = 1e-12, on normal,
# heavy-tailed, skewed and sparse rankings; more for sets below `_SMALL` tokens than above.
_BASE_ERROR = 0.03
_SMALL = 60
_ERROR_PER_SQUARE = (0.03, 0.013)


@dataclass(frozen=True)
class RandomSetMoments:
    """Scores of random sets for F rankings and S set sizes; NaN where no random set has weight.

    mean, variance and skewness (F, 2, S) are those of -log(1 - ES+) and -log(1 - |ES-|).
    """

    n_tokens: int
    sizes: Sizes
    mean: Floats
    variance: Floats
    skewness: Floats
    mean_absolute: Floats  # (F, S): E|ES|; a normalised score (NES) is ES over this

    def tails(self, scores: EnrichmentScores) -> PValues:
        """Upper-tail p (F, 2, S) of ES+ and of |ES-|, power 1; NaN without a score. UsageError for another shape."""
        if scores.positive.shape != self.mean_absolute.shape:
            raise UsageError(
                f"Scores of shape {scores.positive.shape} do not fit random sets of shape {self.mean_absolute.shape}: "
                "use the same features and sets for both."
            )
        values = np.stack([scores.positive, -scores.negative], axis=1)
        y = log_score(values, self.n_tokens)
        skewness = np.maximum(self.skewness, _LEAST_SKEWNESS)
        shape = 4 / skewness**2
        above = np.maximum(0.0, shape + (y - self.mean) / np.sqrt(self.variance) * np.sqrt(shape))
        n, k = self.n_tokens, self.sizes
        # the observed set is one of all the sets there are
        fewest = np.exp(special.gammaln(k + 1) + special.gammaln(n - k + 1) - special.gammaln(n + 1))
        p = np.clip(special.gammaincc(shape, above), np.maximum(fewest, _SMALLEST), 1.0)
        steepness = np.where(self.sizes < _SMALL, *_ERROR_PER_SQUARE)
        return PValues(p, _BASE_ERROR + steepness * np.log10(p) ** 2)


class RandomSetBank:
    """Random sets over a universe of `n_tokens`, drawn by size when first needed; `seed` fixes them all."""

    def __init__(self, n_tokens: int, seed: int = 0) -> None:
        if n_tokens < 2:
            raise UsageError(f"Random sets need a universe of at least 2 tokens, got {n_tokens}.")
        self.n_tokens = n_tokens
        self._seed = seed
        self._anchors = _anchor_sizes(n_tokens)
        self._bins = RankBins.over(n_tokens, MIDDLE)
        self._draws: dict[int, RandomDraws] = {}
        self._kept_interpolation = lru_cache(maxsize=4)(self._interpolation)  # a library is asked for again and again

    def tails(self, magnitudes: NDArray[np.float32], scores: EnrichmentScores, sizes: ArrayLike) -> PValues:
        """p-values of scores; see `moments` for the arguments and RandomSetMoments.tails for the result."""
        return self.moments(magnitudes, sizes).tails(scores)

    def moments(self, magnitudes: NDArray[np.float32], sizes: ArrayLike) -> RandomSetMoments:
        """Scores of random sets of `sizes` (S,) under rankings given by their |weights| by rank: (F, V) float32.

        The most promoted token comes first. Raises UsageError for sizes outside 1..V-1 and negative weights, and as
        ranks.checked_weights.
        """
        magnitudes = checked_weights(magnitudes)
        if magnitudes.shape[1] != self.n_tokens:
            raise UsageError(f"A bank of {self.n_tokens} tokens does not fit rankings of {magnitudes.shape[1]} tokens.")
        if magnitudes.size and magnitudes.min() < 0:
            raise UsageError("Random sets need |weights| in ranking order: pass absolute values.")
        wanted = np.asarray(sizes, dtype=np.int64)
        if wanted.size and (wanted.min() < 1 or wanted.max() >= self.n_tokens):
            raise UsageError(f"Random sets have 1 to {self.n_tokens - 1} tokens here: leave other sets out.")
        used, mixing = self._kept_interpolation(wanted.tobytes())
        drawn = [self._drawn(size) for size in used]
        table = np.empty((len(used), len(magnitudes), 7), dtype=np.float64)

        def fill(start: int, stop: int) -> None:
            for first in range(start, stop, _BLOCK):
                rows = slice(first, min(first + _BLOCK, stop))
                ranked = Ranked(magnitudes[rows], self._bins.means(magnitudes[rows]))
                for index, draws in enumerate(drawn):
                    table[index, rows] = _moments(draws.scores(ranked), draws.weights, self.n_tokens)

        over_blocks(len(magnitudes), fill)
        mixed = np.tensordot(mixing, table, axes=(0, 0)).transpose(1, 2, 0)  # (F, 7, S)
        mean, deviation, skewness = (mixed[:, [column, column + 3]] for column in range(3))
        return RandomSetMoments(self.n_tokens, wanted, mean, np.exp(2 * deviation), skewness, mixed[:, 6])

    def _drawn(self, size: int) -> RandomDraws:
        if size not in self._draws:
            self._draws[size] = RandomDraws(self._bins, size, [self._seed, self.n_tokens, size])
        return self._draws[size]

    def _interpolation(self, wanted: bytes) -> tuple[list[int], Floats]:
        """Anchor sizes needed (A,) and their weights (A, S): cubic interpolation in log(k / (V - k)).

        `wanted` are the bytes of the set sizes (S,), int64.
        """
        anchors, sizes = self._anchors, np.frombuffer(wanted, dtype=np.int64)
        mixing = np.zeros((anchors.size, sizes.size))
        places, nodes = (np.log(values / (self.n_tokens - values)) for values in (sizes, anchors))
        for column, (size, place) in enumerate(zip(sizes.tolist(), places.tolist(), strict=True)):
            above = bisect_left(anchors.tolist(), size)
            near = np.arange(max(0, above - 2), min(anchors.size, above + 2))
            if anchors[min(above, anchors.size - 1)] == size:
                near = np.array([above])
            for anchor in near:
                others = nodes[near[near != anchor]]
                mixing[anchor, column] = np.prod((place - others) / (nodes[anchor] - others))
        used = np.flatnonzero(mixing.any(axis=1))
        return [int(size) for size in anchors[used]], mixing[used]


@lru_cache(maxsize=4)
def random_set_bank(n_tokens: int, seed: int = 0) -> RandomSetBank:
    """The bank of a universe, kept between calls."""
    return RandomSetBank(n_tokens, seed)


def _moments(scores: Singles, weights: Singles, n_tokens: int) -> Floats:
    """Per ranking mean, log standard deviation and skewness of -log(1 - score) by side, and E|ES|: (F, 7).

    scores (F, 2, n) of weighted random sets, weights (n,).
    """
    undefined = np.isnan(scores[:, 0])
    if undefined.any():
        weights = np.where(undefined, np.float32(0), weights)[:, None]
        with np.errstate(invalid="ignore"):
            weights = weights / weights.sum(axis=2, keepdims=True)
        scores = np.nan_to_num(scores)
    y = log_score(scores, n_tokens)
    square = y * y
    first, second, third = ((power * weights).sum(axis=2, dtype=np.float64) for power in (y, square, square * y))
    deviation = np.sqrt(np.maximum(second - first**2, _SMALLEST))
    skewness = (third - 3 * first * second + 2 * first**3) / deviation**3
    sides = np.stack([first, np.log(deviation), skewness], axis=2)
    absolute = (scores.max(axis=1, keepdims=True) * weights).sum(axis=2)
    return np.concatenate([sides.reshape(len(scores), 6), absolute], axis=1)


def _anchor_sizes(n_tokens: int) -> Sizes:
    """Set sizes that are drawn: doubling up to 256 and fourfold beyond, and likewise for the tokens left out."""
    sizes = [2**power for power in (*range(8), *range(8, 62, 2)) if 2**power <= n_tokens / 3]
    lower = np.array(sizes, dtype=np.int64)
    return np.unique(np.concatenate([lower, [n_tokens // 2], n_tokens - lower]))
