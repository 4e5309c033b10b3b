"""Views: the parts of a subject's universe that one question may look at, with the token sets testable there.

Tokens are sealed by family (see token_sets.split): labelers read *open* tokens, *confirm* tokens gate claims, *test*
tokens belong to the scorers.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .statistics.enrichment import EnrichmentScores, Power, SetIndex, enrichment_scores
from .statistics.mass import concentration, mass, side_weights
from .statistics.projection import standardise
from .token_sets.library import TokenSet

MIN_CONFIRM_MEMBERS = 5


@dataclass(frozen=True)
class View:
    """Tokens (positions in the subject's universe) and the members that each set has among them.

    `sets` counts positions inside the view, so that a row of logit weights cut to the view can be indexed by them.
    """

    tokens: np.ndarray
    sets: SetIndex

    @classmethod
    def of(cls, universe: np.ndarray, selected: np.ndarray, sets: Sequence[TokenSet]) -> View:
        """The tokens where `selected` (a mask over the universe) holds, and every set cut to them."""
        tokens = np.flatnonzero(selected)
        return cls(
            tokens, SetIndex.from_positions([member_positions(universe[tokens], s.ids) for s in sets], len(tokens))
        )

    @functools.cached_property
    def membership(self) -> torch.Tensor:
        """0/1 float32 matrix (tokens of the view, sets)."""
        matrix = torch.zeros(len(self.tokens), len(self.sets))
        columns = np.repeat(np.arange(len(self.sets)), self.sets.sizes)
        matrix[torch.from_numpy(self.sets.members.astype(np.int64)), torch.from_numpy(columns)] = 1
        return matrix

    def members(self, column: int) -> np.ndarray:
        """Positions inside the view of one set's members, int64."""
        start, stop = self.sets.pointers[column], self.sets.pointers[column + 1]
        return self.sets.members[start:stop].astype(np.int64)

    def cut(self, weights: torch.Tensor) -> torch.Tensor:
        """Logit weights over the universe (F, V) cut to the tokens of the view."""
        return weights[:, torch.from_numpy(self.tokens).to(weights.device)]

    def masses(self, weights: torch.Tensor) -> np.ndarray:
        """Mass of every set, and as the last column the concentration, of weights over the view: (F, 2, S + 1)."""
        standardised = standardise(weights)
        sets = mass(side_weights(standardised), self.membership.to(weights.device))
        return torch.cat([sets, concentration(standardised)[:, :, None]], dim=2).cpu().numpy()

    def enrichment(self, weights: torch.Tensor, power: Power) -> EnrichmentScores:
        """Enrichment scores of every set from weights over the view; NaN for rows that rank nothing."""
        # A constant row standardises to NaN; as zeros it is constant still, which the kernel answers with NaN.
        return enrichment_scores(np.nan_to_num(standardise(weights).cpu().numpy()), self.sets, power)

    def set_means(self, unembedding: torch.Tensor) -> np.ndarray:
        """Mean unembedding column of every set (D, S), centred over the view, from columns over the view (D, V)."""
        centred = unembedding - unembedding.mean(dim=1, keepdim=True)
        membership = self.membership.to(centred.device)
        return (centred @ membership / membership.sum(dim=0)).cpu().numpy()

    def ids(self, universe: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """Token ids of positions inside the view."""
        return universe[self.tokens[positions]]


def both_sides(scores: EnrichmentScores) -> np.ndarray:
    """ES+ and |ES-| side by side: (F, 2, S)."""
    return np.stack([scores.positive, -scores.negative], axis=1)


def member_positions(tokens: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Positions in `tokens` (ascending ids) of those `ids` that occur there."""
    positions = np.searchsorted(tokens, ids)
    inside = positions < len(tokens)
    return positions[inside][tokens[positions[inside]] == ids[inside]]
