"""Scores on record as comparisons take them: by measure, by exam, by feature."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ...tools.storage.records import Records
from ...tools.storage.tables import Label, LabelScore, Run
from ..scores import FeatureScores, Score
from .paired import Measure

StoredScores = dict[Measure, dict[str, dict[int, FeatureScores]]]


def stored_scores(records: Records, run: Run, labels: Mapping[int, Label]) -> StoredScores:
    """The scores of a run's labels, those of others of its labels left out; exams in the order they were begun."""
    features = {label.id: feature for feature, label in labels.items()}
    rows: dict[tuple[Measure, str, int], dict[str, LabelScore]] = defaultdict(dict)
    for row in records.scores(run):
        if row.label_id in features:
            rows[Measure(row.scorer, row.judge), row.exam, features[row.label_id]][row.control] = row
    found: StoredScores = {}
    for (measure, exam, feature), by_control in rows.items():
        if own := by_control.pop("", None):
            of_exam = found.setdefault(measure, {}).setdefault(exam, {})
            of_exam[feature] = _feature_scores(feature, own, by_control)
    return found


def _feature_scores(feature: int, own: LabelScore, controls: Mapping[str, LabelScore]) -> FeatureScores:
    """Only labels that say something on the scorer's side have controls."""
    return FeatureScores(feature, _score(own), {name: _score(row) for name, row in controls.items()}, not controls)


def _score(row: LabelScore) -> Score:
    return Score(row.value, row.n, row.unscored, row.details)
