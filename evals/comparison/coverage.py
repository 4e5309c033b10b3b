"""Coverage-score curves: how well labels score as ever less confident ones are taken in.

The score is the mean over the features taken, coverage their share of all features; the selective risk curve of
El-Yaniv & Wiener 2010 (https://www.jmlr.org/papers/v11/el-yaniv10a.html), with a score in place of the risk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...tools.storage.tables import Label
from .paired import Measure, ScoredRun

MOST_POINTS = 100


@dataclass(frozen=True)
class Point:
    """The mean score of the most confident labels that make up this share of all features."""

    coverage: float
    score: float


@dataclass(frozen=True)
class Curve:
    """One run's curve by one measure over n features; it ends where the labels that claim something do.

    `with_abstentions` is the mean over all n, abstaining labels at chance.
    """

    scorer: str
    judge: str
    run: str
    n: int
    points: Sequence[Point]
    with_abstentions: float

    @classmethod
    def of(cls, run: ScoredRun, measure: Measure, among: Sequence[int]) -> Curve:
        """Over the features `among`, all scored in the run, at least one.

        Labels of one confidence come together, for their order says nothing; labels without one come last. A curve of
        more than MOST_POINTS points is thinned to these.
        """
        scores = run.scores[measure]
        everything = np.array([scores[feature].label.value for feature in among], np.float64)
        claiming = np.array([not scores[feature].abstained for feature in among])
        confidence = np.array([_confidence(run.labels[feature]) for feature in among])[claiming]
        order = np.argsort(-confidence, kind="stable")
        ends = np.flatnonzero(np.diff(confidence[order], append=-np.inf))
        if len(ends) > MOST_POINTS:
            ends = ends[np.linspace(0, len(ends) - 1, MOST_POINTS).round().astype(np.int64)]
        means = np.cumsum(everything[claiming][order])[ends] / (ends + 1)
        shares = (ends + 1) / len(among)
        points = [Point(coverage, mean) for coverage, mean in zip(shares.tolist(), means.tolist(), strict=True)]
        return cls(*measure, run.name, len(among), points, float(everything.mean()))


def _confidence(label: Label) -> float:
    return -1.0 if label.confidence is None else label.confidence
