"""Redundant hits: sets of one feature whose enrichment a stronger overlapping set explains are listed under that set.

As collapsePathways of fgsea (Korotkevich et al. 2021, doi:10.1101/060012), with the partial correlation of promoted or
suppressed mass instead of a second enrichment test, under the present null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from .directions import SEED, direction_model
from .statistics.mass import side_weights
from .statistics.overlap import overlap_correlations, partial_correlation, set_correlations
from .statistics.projection import blocks, logit_weights, standardise
from .subject.subject import Subject
from .views import View

DIRECTIONS = 1024
EXPLAINED_ABOVE = 0.05


@dataclass(frozen=True)
class Fold:
    """A set that no stronger one explains, and the sets that it explains, by column, strongest first."""

    column: int
    explains: tuple[int, ...]


class Redundancy:
    """Asks of pairs of sets of a view whether one is enriched beyond the other; `whitened` is (D, universe)."""

    def __init__(self, subject: Subject, view: View, whitened: torch.Tensor) -> None:
        self._membership = view.membership.to(whitened.device)
        self._overlap = overlap_correlations(self._membership, self._membership)
        directions = direction_model(subject, "present").sample(DIRECTIONS, [SEED["overlap"]])
        columns = view.cut(whitened)
        draws = [
            # An isotropic direction is as likely as its negative: its two sides are two draws.
            self.correlations(side_weights(standardise(logit_weights(directions[part], columns))).flatten(0, 1))
            for part in blocks(DIRECTIONS, len(view.tokens))
        ]
        self._reference = np.ascontiguousarray(np.concatenate(draws).T)

    def correlations(self, weights: torch.Tensor) -> np.ndarray:
        """Correlation (n, S) of one side's `side_weights` (n, tokens of the view) with every set."""
        return set_correlations(weights, self._membership)

    def p_given(self, correlations: np.ndarray, column: int, others: Sequence[int]) -> np.ndarray:
        """One-sided p of set `column` given each of the `others`, from one row of `correlations` (S,).

        1 where its sign turns, NaN where both are the same set.
        """
        overlap = self._overlap[column, list(others)]
        found = partial_correlation(correlations[column], correlations[list(others)], overlap)
        null = partial_correlation(self._reference[column], self._reference[list(others)], overlap[:, None])
        exceed = np.sum(null.b_given_a >= found.b_given_a[:, None], axis=1)
        p = np.where(found.agrees, (exceed + 1) / (self._reference.shape[1] + 1), 1.0)
        return np.where(np.isnan(found.b_given_a), np.nan, p)

    def explained(self, correlations: np.ndarray, column: int, better: Sequence[int]) -> np.ndarray:
        """Which of the sets `better` account for the enrichment of set `column`.

        Only a set that shares more members than chance would have it can: given another one, nothing is lost.
        """
        shares = self._overlap[column, list(better)] > 0
        return shares & ~(self.p_given(correlations, column, better) <= EXPLAINED_ABOVE)

    def collapse(self, correlations: np.ndarray, columns: Sequence[int]) -> list[Fold]:
        """Fold the hits of one side of a feature, given as columns from the strongest to the weakest.

        A hit goes under the strongest set, itself not folded, that explains it.
        """
        folds: dict[int, list[int]] = {}
        for column in columns:
            explaining = np.flatnonzero(self.explained(correlations, column, list(folds)))
            if len(explaining):
                folds[list(folds)[explaining[0]]].append(column)
            else:
                folds[column] = []
        return [Fold(column, tuple(under)) for column, under in folds.items()]
