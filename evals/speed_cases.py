"""The cases of the speed benchmark: what tsea computes in each, and the peers that do the same work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from . import layer_speed
from .peers import PERMUTATIONS, blitz_gsea, decoupler_gsea, gseapy_prerank, sae_lens_tutorial
from .workload import Prepare, Workload

if TYPE_CHECKING:
    from ..tools.statistics.enrichment import SetIndex


@dataclass(frozen=True)
class Method:
    """One way to do a case's work, in one call on the first `features` features of its workload (None: on all).

    `package` is what it needs installed besides tsea; `note` says where its work differs from the case's name.
    """

    name: str
    prepare: Prepare
    features: int | None = None
    package: str | None = None
    note: str = ""

    def cut(self, workload: Workload) -> Workload:
        """The features of the workload that one call gets."""
        return workload if self.features is None else workload.first(self.features)


@dataclass(frozen=True)
class Case:
    """A workload, how tsea does it, and how peers do it."""

    name: str
    workload: Workload
    ours: Method
    peers: tuple[Method, ...] = ()

    def first(self, features: int) -> Case:
        """The case on its first features alone, with a name that says so."""
        if features >= self.workload.features:
            return self
        name = f"{self.name}, first {features:,} of {self.workload.features:,} features"
        return replace(self, name=name, workload=self.workload.first(features))


def unweighted_scores(workload: Workload) -> Callable[[], np.ndarray]:
    """Work that gives ES (p=0)."""
    from ..tools.statistics.enrichment import enrichment_scores

    weights, sets = workload.weights(), _indexed(workload)
    return lambda: enrichment_scores(weights, sets, 0).score


def unweighted_p_values(workload: Workload) -> Callable[[], np.ndarray]:
    """Work that gives the exact random-set p-value of ES (p=0)."""
    from ..tools.statistics.enrichment import enrichment_scores
    from ..tools.statistics.ks_null import p_random

    weights, sets = workload.weights(), _indexed(workload)
    return lambda: p_random(enrichment_scores(weights, sets, 0).score, sets.sizes, sets.n_tokens)


def _indexed(workload: Workload) -> SetIndex:
    from ..tools.statistics.enrichment import SetIndex

    return SetIndex.from_positions(workload.sets(), workload.tokens)


_FIFTY, _MANY_SMALL = (15, 33_000, 50), (15, 500, 2_000)
_PERMUTED = f"{PERMUTATIONS:,} permutations"
_BLITZ = f"p=1, {_PERMUTED} a size; memory without its worker processes"
_SCORES = Method("tsea", unweighted_scores)

CASES = (
    Case(
        "ES p=0, 50 sets of 15 to 33,000",
        Workload(features=512, set_sizes=_FIFTY),
        _SCORES,
        (Method("sae-lens", sae_lens_tutorial.prepare, features=16),),
    ),
    Case(
        "ES p=0, 2,000 sets of 15 to 500",
        Workload(features=256, set_sizes=_MANY_SMALL),
        _SCORES,
        # Each feature adds 1 GB.
        (Method("sae-lens", sae_lens_tutorial.prepare, features=1),),
    ),
    Case(
        "exact p of ES p=0, 50 sets of 15 to 33,000",
        Workload(features=512, set_sizes=_FIFTY),
        Method("tsea", unweighted_p_values),
        (
            Method("gseapy prerank", gseapy_prerank.prepare, 1, "gseapy", _PERMUTED),
            Method("decoupler gsea", decoupler_gsea.prepare, 1, "decoupler", f"p=1, {_PERMUTED}"),
            Method(
                "blitzgsea",
                blitz_gsea.prepare,
                1,
                "blitzgsea",
                _BLITZ,
            ),
        ),
    ),
    Case(
        "whole layer, 24,576 features, 50 sets of 15 to 33,000",
        Workload(features=24_576, set_sizes=_FIFTY, width=768),
        Method(
            "tsea",
            layer_speed.whole_layer,
            note="both GEMMs, ES p=0 and p=1 with leading edges, rank sum, mass, mean; p under all three nulls",
        ),
    ),
    Case(
        "new set of 300 tokens in 24,576 features",
        Workload(features=24_576, set_sizes=(300, 300, 1), width=768),
        Method("tsea", layer_speed.new_set_in_layer, note="from the rank index: every statistic, direction p, q"),
    ),
    Case(
        "new set of 300 tokens in one feature",
        Workload(features=512, set_sizes=(300, 300, 1), width=768),
        Method("tsea", layer_speed.new_sets_in_single_features, note="from the rank index, a new set for each feature"),
    ),
)
