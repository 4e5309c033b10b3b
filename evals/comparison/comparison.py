"""Runs against a baseline: one row for each measure and run, tested together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...tools.phrases import listing
from ...tools.progress import Progress, silent
from ...tools.statistics.fdr import holm
from ...tools.statistics.names import CLASSES
from .coverage import Curve
from .density import BANDS, band
from .differences import Difference, Group, Outcomes, by_group
from .disagreements import Disagreement, disagreements
from .paired import Measure, Paired, ScoredRun, Unpaired, scored


@dataclass(frozen=True)
class Row:
    """One run against the baseline by one measure.

    `coverage` is the share of paired features on which a label says something; the others score chance. `both_claim`
    is the difference among features on which neither abstains. `p_holm` is adjusted for all rows of the comparison.
    """

    measure: Measure
    run: str
    overall: Difference
    p_holm: float | None
    baseline_mean: float | None
    run_mean: float | None
    outcomes: Outcomes
    baseline_coverage: float | None
    run_coverage: float | None
    both_claim: Difference
    by_class: Sequence[Group]
    by_density: Sequence[Group]
    unpaired: Unpaired
    disagreements: Sequence[Disagreement]


@dataclass(frozen=True)
class Comparison:
    """Rows and curves of runs on one subject; the first run is the baseline. `notes` say what is not compared."""

    subject: str
    runs: Sequence[str]
    rows: Sequence[Row]
    curves: Sequence[Curve]
    notes: Sequence[str]


def compare(
    runs: Sequence[ScoredRun], density: Mapping[int, float] | None = None, progress: Progress = silent
) -> Comparison:
    """Compare runs on one subject with the first of them, by every measure that the baseline and a run share.

    `density` by feature, where known, is the share of tokens on which it fires. p-values are adjusted by Holm's method:
    the measures are few and depend on each other in every way, for they judge the same labels, and each row may be read
    alone, so that no false one is to be among them.
    """
    baseline, *others = runs
    bands = {feature: band(share) for feature, share in (density or {}).items()}
    pairs = [(measure, run) for measure in baseline.scores for run in others if measure in run.scores]
    rows: list[Row] = []
    for measure, run in pairs:
        rows.append(_row(baseline, run, measure, bands))
        progress("comparisons", len(rows), len(pairs))
    adjusted = holm(np.array([np.nan if row.overall.p is None else row.overall.p for row in rows], np.float64))
    rows = [replace(row, p_holm=None if np.isnan(p) else p) for row, p in zip(rows, adjusted.tolist(), strict=True)]
    return Comparison(baseline.subject, [run.name for run in runs], rows, list(_curves(runs)), _notes(runs))


def _row(baseline: ScoredRun, run: ScoredRun, measure: Measure, bands: Mapping[int, str]) -> Row:
    paired = Paired.of(baseline, run, measure)
    differences, both = paired.differences, ~(paired.baseline_abstains | paired.run_abstains)
    kinds = {feature: baseline.labels[feature].kind or run.labels[feature].kind for feature in paired.features.tolist()}
    return Row(
        measure=measure,
        run=run.name,
        overall=Difference.of(differences),
        p_holm=None,
        baseline_mean=_mean(paired.baseline),
        run_mean=_mean(paired.run),
        outcomes=Outcomes.of(differences),
        baseline_coverage=_mean(~paired.baseline_abstains),
        run_coverage=_mean(~paired.run_abstains),
        both_claim=Difference.of(differences[both]),
        by_class=by_group(paired, kinds, CLASSES),
        by_density=by_group(paired, bands, BANDS),
        unpaired=paired.unpaired,
        disagreements=disagreements(baseline, run, measure, paired, kinds),
    )


def _curves(runs: Sequence[ScoredRun]) -> Iterator[Curve]:
    """A curve of each run over the features that every run with this measure has a score of."""
    for measure in runs[0].scores:
        having = [run for run in runs if measure in run.scores]
        among = sorted(set.intersection(*(set(scored(run, measure)) for run in having)))
        if among and len(having) > 1:
            yield from (Curve.of(run, measure, among) for run in having)


def _notes(runs: Sequence[ScoredRun]) -> list[str]:
    notes: list[str] = []
    for measure in dict.fromkeys(measure for run in runs for measure in run.scores):
        having = [run.name for run in runs if measure in run.scores]
        if len(having) < len(runs):
            lacking = listing([run.name for run in runs if measure not in run.scores], 3)
            notes.append(f"Scores by {measure.title} are those of {listing(having, 3)} alone: {lacking} has none.")
    return notes


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
