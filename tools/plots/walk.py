"""The walk down a feature's ranking, as a running-sum plot shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..statistics.enrichment import Power, SetIndex, enrichment_scores, running_sum
from ..statistics.ranks import descending_order


@dataclass(frozen=True)
class Walk:
    """From the most promoted token to the most suppressed one; ranks count from 0.

    `order` (V,) holds token positions by rank, `weights` (V,) their logit weights, `hits` (M,) the ranks of the set's
    members, `running` (V,) the running sum after each rank. The sum and its ES+ and ES- are NaN where they are not
    defined (statistics.enrichment).
    """

    order: np.ndarray
    weights: np.ndarray
    hits: np.ndarray
    running: np.ndarray
    es_positive: float
    es_negative: float

    @classmethod
    def down(cls, weights: np.ndarray, members: np.ndarray, power: Power) -> Walk:
        """The walk over `weights` (V,) float32 for a set at positions `members` (M,); raises as enrichment_scores."""
        order = descending_order(weights[None])[0]
        scores = enrichment_scores(weights[None], SetIndex.from_positions([members], weights.size), power)
        return cls(
            order=order,
            weights=weights[order],
            hits=np.flatnonzero(np.isin(order, members)),
            running=running_sum(weights, members, power),
            es_positive=float(scores.positive[0, 0]),
            es_negative=float(scores.negative[0, 0]),
        )
