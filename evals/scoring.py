"""Scoring a run: every label and its controls by every scorer, each once; what is on record is read, not made again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..labeler.runs import failure_reason
from ..tools.errors import TseaError, UsageError
from ..tools.progress import Progress, silent
from ..tools.storage.records import Records
from ..tools.storage.tables import Label, LabelScore, Run
from .controls import controls
from .exam.exam import Exam
from .scorers.scorer import Scorer, SideOfFeature
from .scores import EMPTY, FeatureScores, Score, Statement

_BLOCK = 32  # features whose scores are written together


@dataclass(frozen=True)
class Scored:
    """What the labels of a run earned from one scorer, by feature."""

    scorer: str
    side: SideOfFeature
    chance: float
    features: Sequence[FeatureScores]


def score_run(
    exam: Exam, records: Records, run: Run, scorers: Sequence[Scorer[Any]], progress: Progress = silent
) -> list[Scored]:
    """Scores of the run's labels, one of each feature (see `labels_to_score`); raises UsageError as `score_labels`."""
    return score_labels(exam, records, run, labels_to_score(records.labels(run)), scorers, progress=progress)


def score_labels(
    exam: Exam,
    records: Records,
    run: Run,
    labels: Mapping[int, Label],
    scorers: Sequence[Scorer[Any]],
    only: Sequence[int] | None = None,
    progress: Progress = silent,
) -> list[Scored]:
    """Scores of labels of a run by feature; of some features, where given, beside controls drawn from all labels.

    What is scored is kept as it comes, so that an interrupted call resumes. Raises UsageError for a run of another
    subject and where an exam cannot be held (see `TestContexts`).
    """
    subject = exam.workbench.subject
    if run.subject_hash != subject.hash:
        raise UsageError(
            f"Run {run.name} labels {run.subject}, and {subject.name} is not the same subject here (other weights, "
            "hook point or universe): score the run on the subject that it was made on."
        )
    return [_Scoring(exam, records, run, labels, scorer).all(only, progress) for scorer in scorers]


def labels_to_score(labels: Sequence[Label]) -> dict[int, Label]:
    """One label of each feature: the last one, of those that did not fail where there are any."""
    return {label.feature: label for label in sorted(labels, key=lambda one: (one.status != "failed", one.id))}


class _Scoring:
    """One scorer on the labels of a run."""

    def __init__(
        self, exam: Exam, records: Records, run: Run, labels: Mapping[int, Label], scorer: Scorer[Any]
    ) -> None:
        self._exam, self._records, self._run, self._labels, self._scorer = exam, records, run, labels, scorer
        self._unreadable: dict[int, str] = {}
        self._statements = {feature: self._statement(label) for feature, label in sorted(labels.items())}
        claiming = {f: statement for f, statement in self._statements.items() if scorer.says_anything(statement)}
        self._controls = controls(claiming, exam.density)

    def all(self, only: Sequence[int] | None, progress: Progress) -> Scored:
        """Scores of all features, or of some."""
        features = [feature for feature in self._statements if only is None or feature in only]
        ids = None if only is None else [self._labels[feature].id for feature in features]
        kept: dict[int, dict[str, Score]] = {}
        for row in self._records.scores(self._run, self._exam.identity, ids):
            if row.value is not None and (row.scorer, row.judge) == (self._scorer.name, self._scorer.judge):
                kept.setdefault(row.label_id, {})[row.control] = Score(row.value, row.n, details=row.details)
        found: list[FeatureScores] = []
        for start in range(0, len(features), _BLOCK):
            rows: list[LabelScore] = []
            for feature in features[start : start + _BLOCK]:
                known = kept.get(self._labels[feature].id, {})
                made = self._scores(feature, known)
                rows += [self._row(feature, name, score) for name, score in made.items() if name not in known]
                found.append(self._feature_scores(feature, made))
            self._records.write_scores(self._run, rows)
            progress(f"scored: {self._scorer.name}", len(found), len(features))
        return Scored(self._scorer.name, self._scorer.side, self._scorer.chance, found)

    def _scores(self, feature: int, known: Mapping[str, Score]) -> dict[str, Score]:
        """The score of a feature's label, under the name "", and those of its controls."""
        statements = {"": self._statements[feature], **self._controls.get(feature, {})}
        if reason := self._unreadable.get(feature):
            return {"": Score(None, unscored=reason)}
        if known.keys() >= statements.keys():
            return {name: known[name] for name in statements}
        items = self._scorer.items(feature)
        if isinstance(items, str):
            return dict.fromkeys(statements, Score(None, unscored=items))
        return {name: known.get(name) or self._score(feature, items, said) for name, said in statements.items()}

    def _score(self, feature: int, items: Any, statement: Statement) -> Score:
        try:
            return self._scorer.score(feature, items, statement)
        except TseaError as error:
            return Score(None, unscored=f"{type(error).__name__}: {error}")

    def _statement(self, label: Label) -> Statement:
        """What a label says; a label that failed or cannot be read is noted, and says nothing."""
        if label.status == "failed":
            self._unreadable[label.feature] = f"label failed: {failure_reason(label)}"
            return EMPTY
        try:
            return Statement.of(label)
        except UsageError as error:
            self._unreadable[label.feature] = f"label cannot be read: {error}"
            return EMPTY

    def _row(self, feature: int, control: str, score: Score) -> LabelScore:
        return LabelScore(
            label_id=self._labels[feature].id,
            feature=feature,
            scorer=self._scorer.name,
            exam=self._exam.identity,
            control=control,
            judge=self._scorer.judge,
            value=score.value,
            n=score.n,
            unscored=score.unscored,
            details=dict(score.details),
        )

    def _feature_scores(self, feature: int, made: Mapping[str, Score]) -> FeatureScores:
        others = {name: score for name, score in made.items() if name}
        return FeatureScores(feature, made[""], others, feature not in self._controls)
