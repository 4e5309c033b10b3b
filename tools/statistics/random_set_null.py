"""The classic null of token set enrichment, random sets of tokens, for every statistic that has it in closed form.

Tokens count as independent here, which they are not: the direction nulls judge, this one is for comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .enrichment import SetScores
from .ks_null import expected_absolute_es, log_p_one_sided
from .p_values import PValues
from .random_sets import random_set_bank
from .rank_sum import rank_sum_p
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

    @classmethod
    def joined(cls, parts: Sequence[RandomSetTests]) -> RandomSetTests:
        """Tests of the features of all parts, one after another."""
        return cls(
            {name: PValues.joined([part.p[name] for part in parts]) for name in parts[0].p},
            {name: np.concatenate([part.nes[name] for part in parts]) for name in parts[0].nes},
        )


def random_set_tests(scores: SetScores, sizes: Sizes, *, deep: bool = False) -> RandomSetTests:
    """Tests of sets of `sizes` (S,) against random sets under the same rankings; a constant row gives NaN.

    The unweighted ES is exact, the weighted one from a bank of random sets, with `deep` by splitting in the tails
    (seconds for each); the rank sum is normal with the exact variance of draws without replacement.
    """
    k, n = sizes, scores.magnitudes.shape[1]
    both = np.stack([scores.p0.positive, -scores.p0.negative], axis=1)
    unknown = np.isnan(both)
    p0 = np.exp(log_p_one_sided(np.where(unknown, 0.0, both), k, n))
    moments = random_set_bank(n).moments(scores.magnitudes, k)
    weighted = moments.tails(scores.p1)
    if deep:
        weighted = refined(weighted, scores.magnitudes, scores.p1, k)
    expected = np.array([expected_absolute_es(int(size), n) for size in k])
    return RandomSetTests(
        p={
            "es_p0": PValues.exact(np.where(unknown, np.nan, np.maximum(p0, _SMALLEST))),
            "es_p1": weighted,
            "rank_sum": rank_sum_p(scores.auroc, k, scores.untied, n),
        },
        nes={"es_p0": scores.p0.score / expected, "es_p1": scores.p1.score / moments.mean_absolute},
    )
