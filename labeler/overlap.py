"""Overlapping sets mislead: is a set enriched on the members that it does not share with a better set?"""

from __future__ import annotations

import numpy as np
import torch

from ..tools.directions import SEED, direction_model
from ..tools.statistics.mass import side_weights
from ..tools.statistics.projection import logit_weights, standardise
from ..tools.workbench import Workbench

DIRECTIONS = 512
MIN_REST = 5
EXPLAINED_ABOVE = 0.05


class OverlapTest:
    """Tests the unshared part of sets on open tokens under the present null; null distributions are kept by pair."""

    def __init__(self, workbench: Workbench) -> None:
        self._view = workbench.views["open"]
        directions = direction_model(workbench.subject, "present").sample(DIRECTIONS, [SEED["overlap"]])
        weights = self._view.cut(logit_weights(directions, workbench.whitened))
        # An isotropic direction and its negative count as two draws. Tokens come first: sets gather whole rows.
        draws = side_weights(standardise(weights)).flatten(0, 1)
        self._reference = (draws / draws.mean(dim=1, keepdim=True)).T.contiguous().cpu()
        self._members = [workbench.views["open"].members(column) for column in range(len(workbench.sets))]
        self._nulls: dict[tuple[int, int], np.ndarray] = {}

    def p_without(self, weights: torch.Tensor, column: int, better: int) -> float:
        """One-sided p of the mass of set `column` without the members of set `better`; NaN when fewer than 5 remain.

        `weights` (open tokens,) are one feature's side weights on the side in question.
        """
        rest = self._rest(column, better)
        if len(rest) < MIN_REST:
            return float("nan")
        if (column, better) not in self._nulls:
            self._nulls[column, better] = np.sort(self._reference[rest].mean(dim=0).numpy())
        null = self._nulls[column, better]
        observed = float(weights[rest].mean() / weights.mean())
        return float((len(null) - np.searchsorted(null, observed) + 1) / (len(null) + 1))

    def explained(self, weights: torch.Tensor, column: int, better: int) -> bool:
        """Whether set `better` accounts for the enrichment of set `column`: what they do not share is not enriched."""
        if len(self._rest(column, better)) == len(self._members[column]):
            return False
        p = self.p_without(weights, column, better)
        return not p <= EXPLAINED_ABOVE

    def _rest(self, column: int, better: int) -> torch.Tensor:
        rest = np.setdiff1d(self._members[column], self._members[better], assume_unique=True)
        return torch.from_numpy(rest)
