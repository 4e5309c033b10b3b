"""blitzGSEA (Lachmann, Xie and Ma'ayan 2022, doi:10.1093/bioinformatics/btac076): weighted, gamma fits to its null."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..workload import THREADS, Workload
from . import PERMUTATIONS


def prepare(workload: Workload) -> Callable[[], np.ndarray]:
    """Work that gives ES (features, sets) and tests it; blitzGSEA has the weighted score alone."""
    import blitzgsea  # pyright: ignore[reportMissingImports] (of the extra bench)
    import pandas as pd

    names, sets = workload.token_names(), workload.named_sets()
    signatures = [pd.DataFrame({"i": names, "v": row.astype(np.float64)}) for row in workload.weights()]

    def work() -> np.ndarray:
        scores = []
        for signature in signatures:
            found = blitzgsea.gsea(
                signature,
                sets,
                permutations=PERMUTATIONS,
                min_size=1,
                max_size=workload.tokens,
                processes=THREADS,
                signature_cache=False,  # or a second run would find the null of the first
            )
            scores.append(found["es"].loc[list(sets)])
        return np.array(scores)

    return work
