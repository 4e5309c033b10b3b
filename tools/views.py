"""Views: the parts of a subject's universe that one question may look at, with the token sets testable there.

Tokens are sealed by family (see token_sets.split): labelers read *open* tokens, *confirm* tokens gate claims, *test*
tokens belong to the scorers.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from .statistics.accelerated import score_sets_on_device
from .statistics.enrichment import EnrichmentScores, SetIndex, SetScores, score_sets
from .statistics.mass import concentration, mass, side_weights
from .statistics.projection import constant_as_zero
from .statistics.threads import by_rows
from .token_sets.library import TokenSet

ViewName = Literal["open", "confirm"]
MIN_CONFIRM_MEMBERS = 5
DEVICE_BYTES = 4 * 2**30  # what ranking a block may take on a GPU


@dataclass(frozen=True)
class View:
    """Tokens (positions in the subject's universe) and the members that each set has among them.

    `sets` counts positions inside the view, so that a row of logit weights cut to the view can be indexed by them.
    Statistics take weights over the view (F, tokens) standardised by row, as `projection.standardise` gives them.
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

    def columns(self, unembedding: np.ndarray) -> torch.Tensor:
        """Columns over the universe (D, V) cut to the tokens of the view."""
        return torch.from_numpy(np.ascontiguousarray(unembedding[:, self.tokens]))

    def masses(self, standardised: torch.Tensor) -> np.ndarray:
        """Mass of every set, and as the last column the concentration, of standardised weights: (F, 2, S + 1)."""
        membership = self.membership.to(standardised.device)

        def of_rows(rows: torch.Tensor) -> np.ndarray:
            sets = mass(side_weights(rows), membership)
            return torch.cat([sets, concentration(rows)[:, :, None]], dim=2).cpu().numpy()

        return np.concatenate(by_rows(of_rows, standardised))

    def ranked(self, standardised: torch.Tensor) -> SetScores:
        """Enrichment scores and AUROC of every set from standardised weights; NaN for rows that rank nothing."""
        known = constant_as_zero(standardised)
        if known.device.type == "cpu":
            return score_sets(known.numpy(), self.sets)
        return score_sets_on_device(known, self.sets, DEVICE_BYTES)

    def means(self, standardised: torch.Tensor) -> np.ndarray:
        """Mean standardised weight (F, S) of every set."""
        membership = self.membership.to(standardised.device)
        return (standardised @ membership / membership.sum(dim=0)).cpu().numpy()

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


def ranked_values(scores: SetScores) -> np.ndarray:
    """ES p=0, ES p=1 and AUROC of S sets by side, one after another: (F, 2, 3 S)."""
    auroc = np.stack([scores.auroc, 1 - scores.auroc], axis=1)
    return np.concatenate([both_sides(scores.p0), both_sides(scores.p1), auroc], axis=2)


def member_positions(tokens: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Positions in `tokens` (ascending ids) of those `ids` that occur there."""
    positions = np.searchsorted(tokens, ids)
    inside = positions < len(tokens)
    return positions[inside][tokens[positions[inside]] == ids[inside]]
