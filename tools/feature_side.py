"""One side of the ranking of open tokens by one feature: weights, ranks, and tokens as results show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from .errors import UsageError
from .results import RankedToken
from .statistics.mass import SIDES, side_weights
from .statistics.names import Side
from .statistics.projection import standardise
from .statistics.ranks import descending_order

if TYPE_CHECKING:
    from .workbench import Workbench


class FeatureSide:
    """Open tokens (V,) as a feature ranks them, from the most promoted or from the most suppressed one.

    `logits` are logit weights, `standardised` the same with mean 0 and spread 1, positive on this side; `weights`
    (2, V) what the mass of both sides is made of; `order` holds positions from the side's extreme inward, `rank` of
    each position its place in it. Raises UsageError for a feature that ranks no token.
    """

    def __init__(self, workbench: Workbench, feature: int, name: Side) -> None:
        self._workbench, self.feature, self.name = workbench, feature, name
        self.side = SIDES.index(name)
        self.direction = workbench.subject.decoder[[feature]]
        with workbench.lock:
            self.logits = workbench.open_weights(self.direction)[0]
            whitened = workbench.mass_weights(self.direction)
        if not np.ptp(self.logits) > 0:
            raise UsageError(
                f"Feature {feature} ranks no token: its decoder row is zero or its logit weights are all equal."
            )
        self.masses: np.ndarray = workbench.views["open"].masses(whitened)[0, self.side, :-1]  # (S,) of library sets
        self.weights = side_weights(whitened)[0].cpu()
        self.standardised = (1, -1)[self.side] * standardise(torch.from_numpy(self.logits[None]))[0].numpy()
        order = descending_order(self.logits[None])[0]
        self.order = order if self.side == 0 else order[::-1]
        self.rank = np.empty_like(order)
        self.rank[self.order] = np.arange(len(order), dtype=order.dtype)

    def elevated(self, positions: np.ndarray) -> np.ndarray:
        """Which tokens lie in this side's half of the ranking, up to the median weight."""
        median = np.median(self.logits)
        return self.logits[positions] >= median if self.side == 0 else self.logits[positions] <= median

    def outward(self, positions: np.ndarray) -> np.ndarray:
        """Positions, the most extreme first."""
        return positions[np.argsort(self.rank[positions])]

    def tokens(self, positions: np.ndarray) -> list[RankedToken]:
        """Tokens at positions, in their order, as results show them."""
        workbench = self._workbench
        ids = workbench.views["open"].ids(workbench.subject.universe, positions)
        return [
            RankedToken(token=token, id=int(i), weight=float(self.logits[p]), rank=int(self.rank[p]) + 1)
            for token, i, p in zip(workbench.shown(positions), ids, positions, strict=True)
        ]
