"""decoupler's GSEA (Badia-i-Mompel et al. 2022, doi:10.1093/bioadv/vbac016): weighted, p-values from permuted sets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..workload import Workload
from . import PERMUTATIONS


def prepare(workload: Workload) -> Callable[[], np.ndarray]:
    """Work that gives the normalised ES (features, sets) and tests it; decoupler has the weighted score alone."""
    import decoupler  # pyright: ignore[reportMissingImports] (of the extra bench)
    import pandas as pd

    weights = pd.DataFrame(workload.weights(), columns=workload.token_names())
    weights.index = weights.index.astype(str)
    sets = workload.named_sets()
    pairs = pd.DataFrame([(name, token) for name, members in sets.items() for token in members])
    net = pairs.set_axis(["source", "target"], axis=1)

    def work() -> np.ndarray:
        scores, _ = decoupler.mt.gsea(weights, net, tmin=1, times=PERMUTATIONS)
        return scores.loc[weights.index, list(sets)].to_numpy()

    return work
