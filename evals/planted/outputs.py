"""Claims about what features promote, held against what was planted in them.

A set counts as found where a claim has a Jaccard index of FOUND or more with it. A claim is *wrong* where what was
planted does not raise (or, for a suppressed set, lower) its set beyond chance, see `oracle.raised`: every claim about a
null is wrong, and so is one about a set that only the background lifts; a part of the planted set, a wider set that
holds it, or one of kindred tokens is not wrong, it is only not found. Where the background is drawn as the dictionary's
directions are, it truly promotes what is typical of them, so that only *specific* claims can be right or wrong there;
*present* ones are counted as `typical` and left out. `kindred` counts claims that are not wrong though their set holds
no more planted tokens than chance: what was planted raises tokens that are like its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .claims import FeatureClaims, OutputClaim, jaccard
from .oracle import holding, passing, raised
from .token_sets import FOUND
from .truth import Planted, PlantedOutput


@dataclass(frozen=True)
class OutputOutcome:
    """One feature, and what became of it.

    `first` is the Jaccard index of the first claim with the planted set (of two, the better), `best` that of the best
    claim; `power`: the test passes with the planted set known in advance (None for nulls). `confidence` is that of the
    label, `holds` whether its first set holds on test tokens; None where there is none, or it cannot be asked.
    """

    truth: PlantedOutput
    first: float
    best: float
    power: float | None
    claims: int
    wrong: int
    kindred: int
    typical: int
    confidence: float | None
    holds: bool | None

    @property
    def in_library(self) -> bool:
        """Whether a labeler that only searches the library can find a planted set."""
        return any(one.in_library for one in self.truth.sets)

    @property
    def found(self) -> bool:
        """Whether the first claim is a planted set."""
        return self.first >= FOUND


def output_outcomes(planted: Planted, labelled: Sequence[FeatureClaims]) -> list[OutputOutcome]:
    """The outcome of every labelled feature, in order."""
    workbench = planted.workbench
    truths = [planted.outputs[one.feature] for one in labelled]
    directions = workbench.subject.decoder[[one.feature for one in labelled]]
    power = _power(planted, labelled)
    first = [n for n, one in enumerate(labelled) if one.outputs]
    leading = [labelled[n].outputs[0] for n in first]
    held = np.full(len(labelled), np.nan)
    if first:
        sides = np.array([one.side for one in leading])
        held[first] = holding(workbench, directions[first], [one.ids for one in leading], sides)
    return [
        _outcome(planted, truth, one, None if np.isnan(p) else float(p), None if np.isnan(h) else bool(h))
        for truth, one, p, h in zip(truths, labelled, power.tolist(), held.tolist(), strict=True)
    ]


def _power(planted: Planted, labelled: Sequence[FeatureClaims]) -> np.ndarray:
    """Whether the test passes with the planted set (with one of two), NaN for nulls: (F,)."""
    features = np.array([one.feature for one in labelled])
    pairs = [(n, one.ids) for n, feature in enumerate(features) for one in planted.outputs[feature].sets]
    found = np.full(len(labelled), np.nan)
    if pairs:
        rows = np.array([n for n, _ in pairs])
        passed = passing(planted.workbench, features, rows, [ids for _, ids in pairs])
        np.fmax.at(found, rows, passed.astype(np.float64))
    return found


def _outcome(
    planted: Planted, truth: PlantedOutput, labelled: FeatureClaims, power: float | None, holds: bool | None
) -> OutputOutcome:
    near = [
        max((jaccard(claim.ids, one.ids) for one in truth.sets), default=0.0) * (claim.side == 0)
        for claim in labelled.outputs
    ]
    judged = [one for one in labelled.outputs if planted.background == "isotropic" or one.specific]
    right = raised(planted.workbench, truth.part, [one.ids for one in judged]) if judged else np.zeros((0, 2), bool)
    return OutputOutcome(
        truth=truth,
        first=near[0] if near else 0.0,
        best=max(near, default=0.0),
        power=power,
        claims=len(judged),
        wrong=sum(not right[n, one.side] for n, one in enumerate(judged)),
        kindred=sum(right[n, one.side] and not _shares(planted, truth, one) for n, one in enumerate(judged)),
        typical=len(labelled.outputs) - len(judged),
        confidence=labelled.confidence,
        holds=holds,
    )


def _shares(planted: Planted, truth: PlantedOutput, claim: OutputClaim) -> bool:
    """Whether a claim says that more of the planted tokens are promoted than a random set of its size would hold."""
    every = np.unique(np.concatenate([one.ids for one in truth.sets]))
    expected = len(every) * len(claim.ids) / len(planted.workbench.subject.universe)
    return claim.side == 0 and len(np.intersect1d(every, claim.ids, assume_unique=True)) > expected
