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
from .scorers.scorer import AnyScorer, Scorer, SideOfFeature
from .scores import EMPTY, FeatureScores, Score, Statement

JUDGED_RUN = "scores of"  # in the settings of a run that pays for a judge: the run whose labels it judges
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
    require_scorable(exam, run, labels)
    return [LabelScoring(exam, records, run, labels, scorer).all(scorer, only, progress) for scorer in scorers]


def require_scorable(exam: Exam, run: Run, labels: Mapping[int, Label]) -> None:
    """Raises UsageError for a run of another subject, and for one without labels."""
    subject = exam.workbench.subject
    if run.subject_hash != subject.hash:
        raise UsageError(
            f"Run {run.name} labels {run.subject}, and {subject.name} is not the same subject here (other weights, "
            "hook point or universe): score the run on the subject that it was made on."
        )
    if not labels:
        what = f"holds what judging run {run.config[JUDGED_RUN]} cost" if JUDGED_RUN in run.config else "is empty"
        raise UsageError(f"Run {run.name} {what}: it has no labels to score.")


def labels_to_score(labels: Sequence[Label]) -> dict[int, Label]:
    """One label of each feature: the last one, of those that did not fail where there are any."""
    return {label.feature: label for label in sorted(labels, key=lambda one: (one.status != "failed", one.id))}


class LabelScoring:
    """One scorer on the labels of a run: what it is asked about each feature, and what is on record of it."""

    def __init__(
        self, exam: Exam, records: Records, run: Run, labels: Mapping[int, Label], scorer: AnyScorer[Any]
    ) -> None:
        self._exam, self._records, self._run, self._labels, self._scorer = exam, records, run, labels, scorer
        self._unreadable: dict[int, str] = {}
        self._statements = {feature: self._statement(label) for feature, label in sorted(labels.items())}
        claiming = {f: statement for f, statement in self._statements.items() if scorer.says_anything(statement)}
        if not claiming and not any(label.hypotheses for label in labels.values()):
            self._unreadable |= dict.fromkeys((f for f, one in self._statements.items() if one.text), self._texts_alone)
        self._controls = controls(claiming, exam.density)

    def all(self, scorer: Scorer[Any], only: Sequence[int] | None, progress: Progress) -> Scored:
        """Scores of all features, or of some."""
        features, kept = self.features(only), self.kept(only)
        made: dict[int, dict[str, Score]] = {}
        for start in range(0, len(features), _BLOCK):
            rows: list[LabelScore] = []
            for feature in features[start : start + _BLOCK]:
                known = kept.get(feature, {})
                made[feature] = self._scores(scorer, feature, known)
                rows += [self.row(feature, name, score) for name, score in made[feature].items() if name not in known]
            self._records.write_scores(self._run, rows)
            progress(f"scored: {scorer.name}", len(made), len(features))
        return self.scored(made)

    def features(self, only: Sequence[int] | None) -> list[int]:
        """Those that have a label, or some of them, ascending."""
        return [feature for feature in self._statements if only is None or feature in only]

    def kept(self, only: Sequence[int] | None) -> dict[int, dict[str, Score]]:
        """Scores with a value that are on record, by feature and by the control's name ("": the label's)."""
        labelled = {self._labels[feature].id: feature for feature in self.features(only)}
        found: dict[int, dict[str, Score]] = {}
        for row in self._records.scores(self._run, self._exam.identity, None if only is None else list(labelled)):
            own = (row.scorer, row.judge) == (self._scorer.name, self._scorer.judge)
            if own and row.value is not None and row.label_id in labelled:
                found.setdefault(labelled[row.label_id], {})[row.control] = Score(row.value, row.n, details=row.details)
        return found

    def statements(self, feature: int) -> dict[str, Statement] | str:
        """What is said of a feature by its label, under the name "", and by controls; or why the label is unreadable.

        Controls stand beside labels alone that say something to the scorer.
        """
        said = {"": self._statements[feature], **self._controls.get(feature, {})}
        return self._unreadable.get(feature, said)

    def row(self, feature: int, control: str, score: Score) -> LabelScore:
        """A score as it is kept."""
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

    def scored(self, made: Mapping[int, Mapping[str, Score]]) -> Scored:
        """Scores by feature and name, with which labels abstained."""
        found = [
            FeatureScores(feature, own[""], {name: one for name, one in own.items() if name}, not self.claims(feature))
            for feature, own in sorted(made.items())
        ]
        return Scored(self._scorer.name, self._scorer.side, self._scorer.chance, found)

    def claims(self, feature: int) -> bool:
        """Whether the feature's label says something to the scorer; else it abstains."""
        return feature in self._controls

    @property
    def _texts_alone(self) -> str:
        return (
            f"the run has texts alone: `tsea eval score {self._run.name} --judge MODEL` scores them, "
            f"`tsea eval compile {self._run.name} --model MODEL` makes token sets of them"
        )

    def _scores(self, scorer: Scorer[Any], feature: int, known: Mapping[str, Score]) -> dict[str, Score]:
        statements = self.statements(feature)
        if isinstance(statements, str):
            return {"": Score(None, unscored=statements)}
        if known.keys() >= statements.keys():
            return {name: known[name] for name in statements}
        items = scorer.items(feature)
        if isinstance(items, str):
            return dict.fromkeys(statements, Score(None, unscored=items))

        def score(statement: Statement) -> Score:
            try:
                return scorer.score(feature, items, statement)
            except TseaError as error:
                return Score(None, unscored=f"{type(error).__name__}: {error}")

        return {name: known.get(name) or score(said) for name, said in statements.items()}

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
