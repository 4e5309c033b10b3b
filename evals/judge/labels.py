"""Scoring the labels of a run by a judge: every label and its controls, each once, kept as soon as it is scored."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...tools.progress import Progress, silent
from ...tools.storage.records import Records
from ...tools.storage.tables import Label, LabelScore, Run
from ..exam.exam import Exam
from ..scorers.judged import JudgedScorer
from ..scores import Score
from ..scoring import JUDGED_RUN, LabelScoring, Scored, labels_to_score, require_scorable
from .estimate import JudgeEstimate, judge_estimate
from .running import Task, score_by_judge
from .settings import JudgeSettings

_SAMPLE = 6  # features whose prompts an estimate is made from


def score_run_by_judge(
    exam: Exam,
    records: Records,
    run: Run,
    scorers: Sequence[JudgedScorer[Any]],
    settings: JudgeSettings,
    progress: Progress = silent,
) -> list[Scored]:
    """Scores of the run's labels, one of each feature; what is on record is read, not asked again.

    Payments are recorded in a run of their own (`judge_run`), so that they are no costs of the labels. Raises
    UsageError for a run of another subject, and as `score_by_judge` does; what is scored is kept.
    """
    work = _JudgedLabels(exam, records, run, labels_to_score(records.labels(run)), scorers)
    count = work.missing()

    def keep(task: Task, score: Score) -> None:
        records.write_scores(run, [work.note(task.scorer, task.feature, task.control, score)])
        progress("scored by the judge", count - work.missing(), count)

    tasks = work.tasks()
    if (first := next(tasks, None)) is not None:
        payer = judge_run(records, run, settings)
        spending = score_by_judge(itertools.chain([first], tasks), settings, keep, payments=(records, payer))
        total = spending.run.all
        cost = None if total.unpriced else total.cost
        records.finish(payer, {"requests": total.requests, "tokens": total.usage.total, "cost": cost})
    records.write_scores(run, work.unasked)
    return work.scored()


def judge_run(records: Records, run: Run, settings: JudgeSettings) -> Run:
    """The run that pays for a judge of the labels of another run; it has no labels."""
    name = f"{run.name} judged by {settings.identity}"
    return records.open_run(name, run.subject, run.subject_hash, {JUDGED_RUN: run.name, **settings.config})


def run_estimate(
    exam: Exam, records: Records, run: Run, scorers: Sequence[JudgedScorer[Any]], settings: JudgeSettings
) -> JudgeEstimate:
    """What `score_run_by_judge` would take, from a sample of the features; nobody is asked and nothing is kept."""
    labels = labels_to_score(records.labels(run))
    work, features = _JudgedLabels(exam, records, run, labels, scorers), sorted(labels)
    places = np.unique(np.linspace(0, len(features) - 1, min(_SAMPLE, len(features))).round().astype(int))
    found = judge_estimate(work.tasks([features[place] for place in places.tolist()]), settings)
    return found.times(round(found.scores * len(features) / max(1, len(places))))


class _JudgedLabels:
    """Labels, and the scores that they have so far by scorer, feature and control."""

    def __init__(
        self,
        exam: Exam,
        records: Records,
        run: Run,
        labels: Mapping[int, Label],
        scorers: Sequence[JudgedScorer[Any]],
    ) -> None:
        require_scorable(exam, run, labels)
        self._scorings = [(scorer, LabelScoring(exam, records, run, labels, scorer)) for scorer in scorers]
        self._features = sorted(labels)
        self._scores = {scorer.name: self._kept(scoring) for scorer, scoring in self._scorings}
        self.unasked: list[LabelScore] = []

    def missing(self) -> int:
        """Statements without a score, of labels that can be read."""
        return sum(
            len(self._said(scorer, scoring, feature).keys() - self._scores[scorer.name][feature].keys())
            for scorer, scoring in self._scorings
            for feature in self._features
        )

    def tasks(self, only: Sequence[int] | None = None) -> Iterator[Task]:
        """What the judge is to be asked; scores that need no judge are noted on the way, and stand in `unasked`.

        A label that says nothing earns chance; where a feature cannot be examined, its statements are unscored.
        """
        for feature in self._features if only is None else only:
            for scorer, scoring in self._scorings:
                said = self._said(scorer, scoring, feature)
                new = {name: one for name, one in said.items() if name not in self._scores[scorer.name][feature]}
                items = scorer.items(feature) if new else ""
                for name, statement in new.items():
                    if isinstance(items, str):
                        self.unasked.append(self.note(scorer, feature, name, Score(None, unscored=items)))
                    elif not name and not scoring.claims(feature):
                        self.unasked.append(self.note(scorer, feature, name, Score(scorer.chance)))
                    else:
                        yield Task(feature, scorer, items, statement, name)

    def note(self, scorer: JudgedScorer[Any], feature: int, control: str, score: Score) -> LabelScore:
        """Note one score; it as it is kept."""
        self._scores[scorer.name][feature][control] = score
        return next(scoring for own, scoring in self._scorings if own is scorer).row(feature, control, score)

    def scored(self) -> list[Scored]:
        """All scores; of labels that cannot be read the reason."""
        for scorer, scoring in self._scorings:
            for feature in self._features:
                reason = scoring.statements(feature)
                if isinstance(reason, str):
                    self._scores[scorer.name][feature] = {"": Score(None, unscored=reason)}
        return [scoring.scored(self._scores[scorer.name]) for scorer, scoring in self._scorings]

    def _kept(self, scoring: LabelScoring) -> dict[int, dict[str, Score]]:
        kept = scoring.kept(None)
        return {feature: kept.get(feature, {}) for feature in self._features}

    def _said(self, scorer: JudgedScorer[Any], scoring: LabelScoring, feature: int) -> dict[str, Any]:
        """Statements by control; none of a label that cannot be read, and no control where labels do not matter."""
        statements = scoring.statements(feature)
        if isinstance(statements, str):
            return {}
        return {"": statements[""]} if scorer.about == "feature" else statements
