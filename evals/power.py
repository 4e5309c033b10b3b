"""Power: which null finds a concept that many features share, and which statistic finds which kind of enrichment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..tools.nulls import MASS
from ..tools.statistics.directions import NULLS
from ..tools.statistics.enrichment import SetIndex
from ..tools.storage.cache import ByteCache
from ..tools.views import View
from .case_tests import mean_p, random_set_p, reference_p
from .cases import NORM_SPREAD, Scale, shared_concept

PREVALENCES = (0.01, 0.05, 0.2, 0.5)
PREVALENCE_LEVEL = 5e-4
CONCEPT = Scale(tokens=5_000, layout=((10, 1),))
CORRELATION = 0.5

ALTERNATIVE_LEVEL = 1e-3
SET_SIZE = 200
# What is raised: share of the members, and by how many standard deviations of the ranking.
ALTERNATIVES = {"all members": (1.0, 0.28), "a fifth of them": (0.2, 1.25), "a twentieth, far": (0.05, 5.0)}


@dataclass(frozen=True)
class ConceptPower:
    """Share of the features carrying a concept that are found at PREVALENCE_LEVEL, by how many features carry it."""

    prevalence: float
    statistic: str
    null: str
    power: float


@dataclass(frozen=True)
class AlternativePower:
    """Share of the sets raised in one way that are found at ALTERNATIVE_LEVEL among independent tokens."""

    raised: str
    statistic: str
    power: float


def power_by_prevalence(cache: ByteCache, scale: Scale = CONCEPT, seed: int = 0) -> list[ConceptPower]:
    """Power of the direction nulls for a concept that few or many features of the dictionary carry."""
    rows: list[ConceptPower] = []
    for prevalence in PREVALENCES:
        case = shared_concept(prevalence, CORRELATION, seed, scale)
        for null in NULLS:
            carriers = case.trials[null].planted == 0
            tested = {"mean": mean_p(case, null), "mass": reference_p(case, null, MASS, cache)}
            rows += [
                ConceptPower(prevalence, statistic, null, float((p[carriers, 0] < PREVALENCE_LEVEL).mean()))
                for statistic, p in tested.items()
            ]
    return rows


def power_by_alternative(tokens: int = 20_000, trials: int = 500, seed: int = 0) -> list[AlternativePower]:
    """Power of every statistic under the random-set null, in shuffled rankings with one set raised."""
    rng = np.random.default_rng([seed])
    ranking = rng.standard_normal(tokens) * np.exp(NORM_SPREAD * rng.standard_normal(tokens))
    view = View(np.arange(tokens), SetIndex.from_positions([np.arange(SET_SIZE)], tokens))
    rows: list[AlternativePower] = []
    for raised, (share, step) in ALTERNATIVES.items():
        weights = rng.permuted(np.broadcast_to(ranking / ranking.std(), (trials, tokens)), axis=1)
        weights[:, : round(share * SET_SIZE)] += step
        p = random_set_p(view, torch.from_numpy(weights.astype(np.float32)))
        rows += [
            AlternativePower(raised, statistic, float((found < ALTERNATIVE_LEVEL).mean()))
            for statistic, found in p.items()
        ]
    return rows
