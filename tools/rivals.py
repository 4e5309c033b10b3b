"""Rivals of a token set in one feature: the library sets that explain its place as well, and what each side adds."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import torch

from .beyond import References
from .feature_side import FeatureSide
from .results import Addition, Rival, finite
from .statistics.overlap import set_correlations

if TYPE_CHECKING:
    from .workbench import Workbench

ALIKE = 0.5  # of two rivals with as large a Jaccard index the weaker one tells nothing new


def rivals_of(
    workbench: Workbench, members: np.ndarray, ranking: FeatureSide, strength: float, circular: bool, most: int
) -> list[Rival]:
    """The strongest elevated library sets that share tokens with a set of this strength, or are stronger than it.

    `members` are positions of open tokens; a `circular` set gets no p. Sets made from the feature, with the same open
    tokens, or much like a stronger rival are left out.
    """
    view, null = workbench.views["open"], workbench.nulls("present")["open"]
    strengths = null.reference.strength(ranking.masses, np.arange(len(view.sets)))
    inside = np.zeros(len(ranking.logits), dtype=bool)
    inside[members] = True
    shared = np.add.reduceat(inside[view.sets.members], view.sets.pointers[:-1], dtype=np.int64)
    same = (shared == len(members)) & (view.sets.sizes == len(members))
    fit = (ranking.masses > 0) & ~same & ~workbench.circular(ranking.direction)[0]
    fit &= (shared > 0) | (strengths > strength)
    columns = np.flatnonzero(fit)
    chosen: list[int] = []
    for column in columns[np.argsort(-strengths[columns], kind="stable")].tolist():
        if len(chosen) == most:
            break
        if not any(_jaccard(view.members(column), view.members(other)) >= ALIKE for other in chosen):
            chosen.append(column)
    found: list[Rival] = []
    for column in chosen:
        pair = _Pair(workbench.references("present"), ranking, members, view.members(column))
        # Deep tails take a while, and a rival needs none.
        counted = dataclasses.replace(null.reference.of_column(column), deep=None)
        found.append(
            Rival(
                set=workbench.sets[column].name,
                size=int(view.sets.sizes[column]),
                shared=int(shared[column]),
                mass=float(ranking.masses[column]),
                strength=float(strengths[column]),
                p_present=finite(counted.p_values(ranking.masses[None, [column]])[0, 0]),
                a_minus_b=pair.addition(0, circular),
                b_minus_a=pair.addition(1, False),
            )
        )
    return found


class _Pair:
    """Two sets of open tokens (positions) in one feature: place 0 and place 1."""

    def __init__(self, references: References, ranking: FeatureSide, one: np.ndarray, other: np.ndarray) -> None:
        self._references, self._ranking, self._sets = references, ranking, (one, other)
        self._both = np.intersect1d(one, other, assume_unique=True)
        membership = torch.zeros(len(ranking.logits), 2)
        for place, members in enumerate(self._sets):
            membership[torch.from_numpy(members), place] = 1
        self._observed = set_correlations(ranking.weights, membership)[None]  # (1, 2 sides, 2 sets)
        self._means = [references.means(members) for members in self._sets]
        self._drawn = [references.correlations(m, len(s)) for m, s in zip(self._means, self._sets, strict=True)]
        self._overlap = references.overlap(len(self._both), len(one), len(other))

    def addition(self, place: int, circular: bool) -> Addition:
        """What the set at this place adds to the other; no p if it is circular."""
        given, side, members = 1 - place, self._ranking.side, self._sets[place]
        partial, p = self._references.added(
            (self._observed[:, :, place], self._observed[:, :, given]),
            (self._drawn[place], self._drawn[given]),
            self._overlap,
        )
        rest = np.setdiff1d(members, self._both, assume_unique=True)
        found = Addition(tokens=len(rest), share=len(rest) / len(members), partial=finite(partial[0, side]))
        if not circular:
            found.p_partial, found.error_partial = finite(p.p[0, side]), finite(p.log10_error[0, side])
        if len(rest):
            weights = self._ranking.weights[side]
            ratio = float(weights[torch.from_numpy(rest)].mean() / weights.mean())
            found.mean, found.mass = float(self._ranking.standardised[rest].mean()), float(np.log(ratio))
            p = self._references.p_values(np.full((1, 2), ratio), self._rest_means(place, len(rest)))
            if not circular:
                found.p_mass, found.error_mass = finite(p.p[0, side]), finite(p.log10_error[0, side])
        return found

    def _rest_means(self, place: int, rest: int) -> np.ndarray:
        """Mean side weights of a set's tokens outside the other one, in reference directions."""
        if not len(self._both):
            return self._means[place]
        whole = len(self._sets[place]) * self._means[place]
        return (whole - len(self._both) * self._references.means(self._both)) / rest


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return shared / (len(one) + len(other) - shared)
