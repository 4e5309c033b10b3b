"""The claim rule: which hypotheses of a run survive error control, confirmation, trimming and overlapping rivals.

A run's tests go through Simes per feature, BH across features and BH within the selected ones (Benjamini and Bogomolov
2014), all at level .05, on open tokens. What is selected under the present null must hold on confirm tokens and without
its top member; it is *specific* when the specific null passes the same rule, else *present*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..tools.statistics.classes import LOCAL
from ..tools.statistics.fdr import benjamini_hochberg, two_stage_q
from ..tools.statistics.mass import side_weights, trimmed_mass
from ..tools.workbench import Workbench
from .evidence import Evidence
from .overlap import OverlapTest

LEVEL = 0.05
MAX_SETS = 3


@dataclass(frozen=True)
class RunLevels:
    """Run-wide q-values: of every evidence row under both nulls, and of every direction's concentration."""

    present: np.ndarray
    specific: np.ndarray
    concentration_present: np.ndarray
    concentration_specific: np.ndarray


@dataclass(frozen=True)
class Claim:
    """What may be said of one direction: evidence rows of its sets, best first; or its concentration on few tokens.

    The first `specific_rows` are specific, the others present.
    """

    rows: tuple[int, ...]
    specific_rows: int
    specific: bool
    local: bool
    q: float


def run_levels(evidence: Evidence, n_sets: int) -> RunLevels:
    """q-values over all directions of a run, each tested on `n_sets` sets and two sides."""
    at = (evidence.direction, evidence.side * n_sets + evidence.column)
    return RunLevels(
        present=two_stage_q(_dense(evidence, evidence.p_present, n_sets))[at],
        specific=two_stage_q(_dense(evidence, evidence.p_specific, n_sets))[at],
        concentration_present=benjamini_hochberg(evidence.concentration_present),
        concentration_specific=benjamini_hochberg(evidence.concentration_specific),
    )


def decoy_levels(evidence: Evidence, n_sets: int, run: Judged) -> RunLevels:
    """q-values of decoys at the thresholds of a run of features: what this run would have selected had it met them.

    At level q a run that selects R of F directions rejects tests whose p, adjusted within the direction, is at most
    q R / F; a decoy's q is its adjusted p times F / R. (As a run of their own, decoys would face stricter thresholds.)
    """
    at = (evidence.direction, evidence.side * n_sets + evidence.column)

    def tests(p: np.ndarray, q_of_run: np.ndarray) -> np.ndarray:
        selected = np.unique(run.evidence.direction[q_of_run <= LEVEL])
        return at_rate(benjamini_hochberg(_dense(evidence, p, n_sets))[at], len(selected), len(run.evidence.codes))

    def concentrations(p: np.ndarray, q_of_run: np.ndarray) -> np.ndarray:
        return at_rate(p, int((q_of_run <= LEVEL).sum()), int(np.isfinite(q_of_run).sum()))

    return RunLevels(
        present=tests(evidence.p_present, run.levels.present),
        specific=tests(evidence.p_specific, run.levels.specific),
        concentration_present=concentrations(evidence.concentration_present, run.levels.concentration_present),
        concentration_specific=concentrations(evidence.concentration_specific, run.levels.concentration_specific),
    )


def _dense(evidence: Evidence, p: np.ndarray, n_sets: int) -> np.ndarray:
    """p-values (F, 2 S); tests without a row have p > .1, and as 1 they leave every q up to .1 as it is."""
    dense = np.ones((len(evidence.codes), 2 * n_sets))
    dense[evidence.direction, evidence.side * n_sets + evidence.column] = p
    return dense


def at_rate(p: np.ndarray, selected: int, tested: int) -> np.ndarray:
    """Adjusted p-values at the rate at which a run selected so many of the directions that it tested."""
    return np.minimum(1, p * tested / selected) if selected else np.ones_like(p)


def passes(q: np.ndarray, confirm_p: np.ndarray) -> np.ndarray:
    """Selected in the run and confirmed on tokens that had no part in the selection."""
    return (q <= LEVEL) & (confirm_p <= LEVEL)


@dataclass(frozen=True)
class Judged:
    """Evidence of all directions of a run with its run-wide q-values."""

    evidence: Evidence
    levels: RunLevels

    @classmethod
    def of(cls, evidence: Evidence, n_sets: int) -> Judged:
        """Judge evidence of directions that were each tested on `n_sets` sets and two sides."""
        return cls(evidence, run_levels(evidence, n_sets))

    @classmethod
    def of_decoys(cls, evidence: Evidence, n_sets: int, run: Judged) -> Judged:
        """Judge decoys at the thresholds of a run of features."""
        return cls(evidence, decoy_levels(evidence, n_sets, run))

    def rows_of(self, direction: int) -> range:
        """Evidence rows of one direction (rows are ordered by direction)."""
        start, stop = np.searchsorted(self.evidence.direction, [direction, direction + 1])
        return range(int(start), int(stop))

    def closest(self, direction: int) -> int | None:
        """The row with the smallest q under the present null, the strongest among equals."""
        rows = self.rows_of(direction)
        return min(rows, key=lambda r: (self.levels.present[r], -self.evidence.strength[r]), default=None)

    def outcomes(self) -> np.ndarray:
        """p on confirm tokens of the best aligned selected test of each direction that has one."""
        tested = np.flatnonzero((self.levels.present <= LEVEL) & np.isfinite(self.evidence.confirm_present))
        order = tested[np.lexsort((-self.evidence.alignment[tested], self.evidence.direction[tested]))]
        _, first = np.unique(self.evidence.direction[order], return_index=True)
        return self.evidence.confirm_present[order[first]]


def block_claims(
    workbench: Workbench, directions: np.ndarray, first: int, judged: Judged, overlap: OverlapTest
) -> list[Claim | None]:
    """Claims of a block of directions (F, D) that stand at `first` in the run's evidence."""
    with workbench.lock, torch.inference_mode():
        weights = side_weights(workbench.mass_weights(directions)).cpu()
    eligible = passes(judged.levels.present, judged.evidence.confirm_present)
    claims: list[Claim | None] = []
    for row in range(len(directions)):
        candidates = np.array([r for r in judged.rows_of(first + row) if eligible[r]], dtype=np.int64)
        ranked = candidates[np.argsort(-judged.evidence.alignment[candidates], kind="stable")]
        rows = _independent(workbench, weights[row], ranked, judged.evidence, overlap)
        claims.append(_claim(first + row, rows, judged))
    return claims


def _independent(
    workbench: Workbench, weights: torch.Tensor, ranked: np.ndarray, evidence: Evidence, overlap: OverlapTest
) -> list[int]:
    """The best aligned rows that survive without their top member and that no better row explains."""
    kept: list[int] = []
    for row in ranked:
        side, column = int(evidence.side[row]), int(evidence.column[row])
        if _trimmed_p(workbench, weights[side], side, column) > LEVEL:
            continue
        rivals = [int(evidence.column[k]) for k in kept if evidence.side[k] == side]
        if not any(overlap.explained(weights[side], column, rival) for rival in rivals):
            kept.append(int(row))
        if len(kept) == MAX_SETS:
            break
    return kept


def _trimmed_p(workbench: Workbench, weights: torch.Tensor, side: int, column: int) -> float:
    """p of the mass without the top member against untrimmed reference masses, which makes it conservative."""
    view = workbench.views["open"]
    trimmed = float(trimmed_mass(weights, torch.from_numpy(view.members(column))))
    return workbench.nulls("present")["open"].p_value(trimmed, side, column)


def _claim(direction: int, rows: list[int], judged: Judged) -> Claim | None:
    evidence, levels = judged.evidence, judged.levels
    specific = passes(levels.specific[rows], evidence.confirm_specific[rows])
    # What sets the feature apart from others comes first.
    ordered = tuple(np.array(rows, np.int64)[np.argsort(~specific, kind="stable")].tolist())
    count = int(specific.sum())
    if evidence.codes[direction] == LOCAL and levels.concentration_present[direction] <= LEVEL:
        few = bool(levels.concentration_specific[direction] <= LEVEL)
        return Claim(ordered, count, few, True, float(levels.concentration_present[direction]))
    return Claim(ordered, count, count > 0, False, float(levels.present[ordered[0]])) if ordered else None
