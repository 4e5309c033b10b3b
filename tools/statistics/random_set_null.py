"""The classic null of token set enrichment, random sets of tokens, for every statistic that has it in closed form.

Tokens count as independent here, which they are not: the direction nulls judge, this one is for comparison.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import _jit
from .enrichment import SetScores
from .ks_null import expected_absolute_es, log_p_one_sided
from .p_values import PValues
from .random_sets import random_set_bank
from .rank_sum import rank_sum_p, untied_share
from .splitting import refined

Floats = NDArray[np.float64]
Sizes = NDArray[np.int64]

_SMALLEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class RandomSetTests:
    """One-sided p (F, 2, S) of es_p0, es_p1 and rank_sum, and normalised scores (F, S), ES over E|ES| of random sets,
    of es_p0 and es_p1."""

    p: dict[str, PValues]
    nes: dict[str, Floats]


class RandomSetNull:
    """Random sets under rankings with these standardised weights (F, V) float32; a constant row gives NaN.

    The unweighted ES is exact, the weighted one from a bank of random sets; the rank sum is normal with the exact
    variance of draws without replacement.
    """

    def __init__(self, standardised: NDArray[np.float32]) -> None:
        self._tokens = standardised.shape[1]
        self._untied = np.empty(len(standardised))
        self._magnitudes = np.empty_like(standardised)

        def fill(start: int, stop: int) -> None:
            ranked = np.sort(standardised[start:stop], axis=1)
            self._untied[start:stop] = untied_share(ranked)
            np.abs(ranked[:, ::-1], out=self._magnitudes[start:stop])  # down from the most promoted

        _jit.over_blocks(len(standardised), fill)

    def test(self, scores: SetScores, sizes: Sizes, *, deep: bool = False) -> RandomSetTests:
        """Tests of sets of `sizes` (S,); with `deep`, tails of the weighted ES by splitting, seconds for each."""
        k, n = sizes, self._tokens
        both = np.stack([scores.p0.positive, -scores.p0.negative], axis=1)
        unknown = np.isnan(both)
        p0 = np.exp(log_p_one_sided(np.where(unknown, 0.0, both), k, n))
        moments = random_set_bank(n).moments(self._magnitudes, k)
        weighted = moments.tails(scores.p1)
        if deep:
            weighted = refined(weighted, self._magnitudes, scores.p1, k)
        expected = np.array([expected_absolute_es(int(size), n) for size in k])
        return RandomSetTests(
            p={
                "es_p0": PValues.exact(np.where(unknown, np.nan, np.maximum(p0, _SMALLEST))),
                "es_p1": weighted,
                "rank_sum": rank_sum_p(scores.auroc, k, self._untied, n),
            },
            nes={"es_p0": scores.p0.score / expected, "es_p1": scores.p1.score / moments.mean_absolute},
        )
