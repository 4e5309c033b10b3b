"""GSEApy's prerank (Fang, Liu and Peltz 2023, doi:10.1093/bioinformatics/btac757): p-values from permuted sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..workload import THREADS, Workload
from . import PERMUTATIONS


def prepare(workload: Workload) -> Callable[[], np.ndarray]:
    """Work that gives ES (features, sets) and tests it, unweighted."""
    import gseapy
    import pandas as pd

    prerank: Any = gseapy.prerank  # its annotation of gene_sets knows only dictionaries of strings
    rankings = [pd.Series(row, index=workload.token_names()) for row in workload.weights()]
    sets = workload.named_sets()

    def work() -> np.ndarray:
        scores = []
        for ranking in rankings:
            found = prerank(
                rnk=ranking,
                gene_sets=sets,
                weight=0,
                permutation_num=PERMUTATIONS,
                min_size=1,
                max_size=workload.tokens,
                threads=THREADS,
                seed=0,
                no_plot=True,
                outdir=None,
            )
            scores.append(found.res2d.set_index("Term")["ES"].astype(float).loc[list(sets)])
        return np.array(scores)

    return work
