"""Two runs' scores of the same features by the same measure, and what has no partner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...tools.storage.tables import Label
from ..scores import FeatureScores

_TIE = 1e-12


class Measure(NamedTuple):
    """A scorer, and the language model that judged for it where one did."""

    scorer: str
    judge: str = ""

    @property
    def title(self) -> str:
        """As people read it."""
        return f"{self.scorer}, judge {self.judge}" if self.judge else self.scorer


Scores = Mapping[Measure, Mapping[int, FeatureScores]]  # by measure, then by feature


@dataclass(frozen=True)
class ScoredRun:
    """A run by name, with the final label of each of its features and the scores of these labels."""

    name: str
    subject: str
    labels: Mapping[int, Label]
    scores: Scores


@dataclass(frozen=True)
class Unpaired:
    """Features left out of a comparison: those of one run only, and of those of both, those not scored in both."""

    baseline_only: int
    run_only: int
    scored_in_baseline_only: int
    scored_in_run_only: int
    scored_in_neither: int


@dataclass(frozen=True)
class Paired:
    """Scores (n,) of features (n,) that are scored in both runs; a label that abstains has scored chance."""

    features: np.ndarray
    baseline: np.ndarray
    run: np.ndarray
    baseline_abstains: np.ndarray
    run_abstains: np.ndarray
    unpaired: Unpaired

    @classmethod
    def of(cls, baseline: ScoredRun, run: ScoredRun, measure: Measure) -> Paired:
        """The features that both runs have labels of, and a score by this measure."""
        first, second = scored(baseline, measure), scored(run, measure)
        common = baseline.labels.keys() & run.labels.keys()
        both = sorted(common & first.keys() & second.keys())
        values = [np.array([of[f].label.value for f in both], np.float64) for of in (first, second)]
        abstains = [np.array([of[f].abstained for f in both], bool) for of in (first, second)]
        return cls(
            np.array(both, np.int64),
            *(values[0], values[1], abstains[0], abstains[1]),
            Unpaired(
                baseline_only=len(baseline.labels.keys() - common),
                run_only=len(run.labels.keys() - common),
                scored_in_baseline_only=len((common & first.keys()) - second.keys()),
                scored_in_run_only=len((common & second.keys()) - first.keys()),
                scored_in_neither=len(common - first.keys() - second.keys()),
            ),
        )

    @property
    def differences(self) -> np.ndarray:
        """Run minus baseline, (n,); 0 where rounding alone makes equal scores differ."""
        found = self.run - self.baseline
        return np.where(np.abs(found) > _TIE, found, 0.0)


def scored(run: ScoredRun, measure: Measure) -> dict[int, FeatureScores]:
    """A run's features that this measure has a score of, by feature."""
    found = run.scores.get(measure, {})
    return {feature: one for feature, one in found.items() if one.label.value is not None and feature in run.labels}
