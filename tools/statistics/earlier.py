"""q-values that cover tests of a feature made before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .fdr import two_stage_q


@dataclass(frozen=True)
class Earlier:
    """Tests of a feature made before: how many, and the p-values known of them (hits); the others count as p = 1."""

    tests: int = 0
    p: tuple[float, ...] = field(default=())


def q_after(p: NDArray[np.float64], before: Sequence[Earlier]) -> NDArray[np.float64]:
    """`two_stage_q` of p (F features, m tests), over these and what each feature was tested on before."""
    known = max((len(one.p) for one in before), default=0)
    all_p = np.full((len(p), p.shape[1] + known), np.nan)
    all_p[:, : p.shape[1]] = p
    for row, one in enumerate(before):
        all_p[row, p.shape[1] : p.shape[1] + len(one.p)] = one.p
    more = np.array([max(0, one.tests - len(one.p)) for one in before], dtype=np.int64)
    return two_stage_q(all_p, more)[:, : p.shape[1]]
