"""Random-set p-values of enrichment scores against published reference values and against larger computations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..tools.statistics.enrichment import EnrichmentScores
from ..tools.statistics.ks_null import expected_absolute_es, log_p_one_sided
from ..tools.statistics.random_sets import random_set_bank
from ..tools.statistics.splitting import tail

TOKENS = 50_257
# P(ES+ >= d) of sets of k of 50,257 tokens, p=0: (k, d, value); d = 1 has one way in all the subsets there are.
ONE_SIDED = (
    (15, 0.9, 1.0211e-15),
    (15, 0.99, 1.2482e-30),
    (15, 1.0, 1 / math.comb(TOKENS, 15)),
    (50, 0.9, 1.2576e-50),
    (300, 0.5, 9.776e-70),
)
# E|ES| of sets of k tokens, p=0.
EXPECTED_ES = ((15, 0.21357), (60, 0.10948), (250, 0.05441), (1000, 0.02758), (9000, 0.01008), (33000, 0.00814))

TAIL_SIZES = (15, 100, 1000)
TAIL_LEVELS = (-4.0, -6.0, -8.0, -10.0)  # log10 p
FREEDOM = 5  # of the t distribution of the heavy-tailed weights
_GRID = np.linspace(0.01, 1.0, 100)
_SEED = 31


@dataclass(frozen=True)
class Effort:
    """Size and seed of a splitting computation."""

    runs: int
    sets: int
    seed: int


PILOT = Effort(runs=2, sets=32, seed=32)  # where the levels lie, roughly
LARGE = Effort(runs=16, sets=1024, seed=33)


@dataclass(frozen=True)
class ReferenceValue:
    """A value known from elsewhere and the one computed here."""

    quantity: str
    expected: float
    found: float

    @property
    def relative_error(self) -> float:
        """How far the found value lies from the expected one, relative to it."""
        return abs(self.found / self.expected - 1)


@dataclass(frozen=True)
class TailCheck:
    """log10 p of a weighted enrichment score: to be believed, by splitting as used, and by the bank of random sets.

    Believed is the exact value where weights are equal (the score is then the unweighted one), else a large run.
    """

    weights: str
    size: int
    believed: float
    splitting: float
    bank: float


def reference_values() -> list[ReferenceValue]:
    """The unweighted score's null against reference values."""
    tails = [
        ReferenceValue(f"P(ES+ >= {d}), k = {k}", value, math.exp(float(log_p_one_sided(d, k, TOKENS))))
        for k, d, value in ONE_SIDED
    ]
    return tails + [
        ReferenceValue(f"E abs(ES), k = {k}", value, expected_absolute_es(k, TOKENS)) for k, value in EXPECTED_ES
    ]


def tail_checks(tokens: int = TOKENS, sizes: Sequence[int] = TAIL_SIZES, large: Effort = LARGE) -> list[TailCheck]:
    """The weighted score's tail down to 1e-10: equal weights against the exact p, heavy tails against a large run."""
    drawn = np.random.default_rng([_SEED]).standard_t(FREEDOM, tokens)
    rankings = {"equal weights": np.ones(tokens), "heavy-tailed weights": np.abs(np.sort(drawn)[::-1])}
    rows = []
    for ranking, values in rankings.items():
        magnitudes = values.astype(np.float32)
        for size in sizes:
            rough = tail(magnitudes, size, _GRID, "promoted", **asdict(PILOT)).log_p / math.log(10)
            scores = _GRID[[int(np.abs(rough - level).argmin()) for level in TAIL_LEVELS]]
            if ranking == "equal weights":
                believed = log_p_one_sided(scores, size, tokens)
            else:
                believed = tail(magnitudes, size, scores, "promoted", **asdict(large)).log_p
            usual = tail(magnitudes, size, scores, "promoted").log_p
            table = np.stack([believed, usual, _by_bank(magnitudes, size, scores)], axis=1) / math.log(10)
            rows += [TailCheck(ranking, size, *row) for row in table.tolist()]
    return rows


def _by_bank(magnitudes: NDArray[np.float32], size: int, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """log p of ES+ values by the bank's moments."""
    nowhere = np.zeros((1, scores.size), dtype=np.int32)
    found = EnrichmentScores(scores[None], np.zeros((1, scores.size)), nowhere, nowhere)
    return np.log(random_set_bank(magnitudes.size).tails(magnitudes[None], found, np.full(scores.size, size)).p[0, 0])
