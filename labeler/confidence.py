"""Confidence of claims, measured inside the run: will what held on confirm tokens hold on tokens not yet looked at?

Confirm tokens are split off in the same way and number as the sealed test tokens (and confirm documents from held-out
ones). The normal quantile z of a hypothesis' confirm p is its effect there plus standard normal noise. How effects are
distributed is learned from all hypotheses that the run selected on open tokens, by nonparametric maximum likelihood
(Kiefer & Wolfowitz 1956, doi:10.1214/aoms/1177728066; EM on a grid); a hypothesis' own z then says, by Bayes' rule,
which effects it may have, and each gives the probability that an independent z is significant.

The share of selected hypotheses that hold is no substitute: claims are those that held on confirm, and hold more often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

HOLDS = 0.05
# Beyond these, reference directions cannot tell p-values apart.
_P_RANGE = (5e-5, 0.999)
_EFFECTS = np.linspace(-3, 6, 46)
_ROUNDS = 300
_PSEUDO = 2.0  # hypotheses whose effects lie anywhere on the grid, so that few outcomes never give certainty


@dataclass(frozen=True)
class HoldingModel:
    """How likely each effect of _EFFECTS is among a run's hypotheses, (effects,), sum 1."""

    shares: np.ndarray

    @classmethod
    def of(cls, confirm_p: np.ndarray) -> HoldingModel:
        """Fit to the confirm p-values (n,) of selected hypotheses, whether they held or not."""
        likelihood = _likelihood(confirm_p)
        shares = np.full(len(_EFFECTS), 1 / len(_EFFECTS))
        for _ in range(_ROUNDS):
            members = likelihood * shares
            members /= members.sum(axis=1, keepdims=True)
            shares = (members.sum(axis=0) + _PSEUDO / len(_EFFECTS)) / (len(confirm_p) + _PSEUDO)
        return cls(shares)

    def probability(self, confirm_p: float) -> float:
        """That a hypothesis with this p on confirm tokens has p <= HOLDS on as many others."""
        posterior = _likelihood(np.array([confirm_p]))[0] * self.shares
        return float(posterior @ stats.norm.sf(stats.norm.isf(HOLDS) - _EFFECTS) / posterior.sum())


def _likelihood(p: np.ndarray) -> np.ndarray:
    """Density (n, effects) of each p's normal quantile under each effect."""
    return stats.norm.pdf(stats.norm.isf(np.clip(p, *_P_RANGE))[:, None] - _EFFECTS)
