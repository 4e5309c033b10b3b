"""Runs on record, made ready to be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...labeler.exports.choice import final_labels
from ...tools.errors import UsageError
from ...tools.storage.records import Records
from ...tools.storage.tables import Run
from .paired import ScoredRun, Scores

ScoresOf = Callable[[Records, Run], Scores]


def scored_runs(records: Records, names: Sequence[str], scores_of: ScoresOf) -> list[ScoredRun]:
    """The runs of these names with their scores, in that order.

    Raises UsageError for fewer than two runs, one named twice, runs on different subjects, and runs without scores.
    """
    if len(names) < 2:
        raise UsageError("A comparison needs two runs or more, the baseline first: `tsea runs list` names them.")
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise UsageError(f"Run {twice[0]} is named twice: a run differs in nothing from itself. Name another one.")
    runs = [records.run(name) for name in names]
    for run in runs[1:]:
        if run.subject_hash != runs[0].subject_hash:
            raise UsageError(
                f"Run {runs[0].name} is on {_subject(runs[0])} and run {run.name} on {_subject(run)}: only runs on one "
                "subject can be compared."
            )
    return [_scored(records, run, scores_of(records, run)) for run in runs]


def _scored(records: Records, run: Run, scores: Scores) -> ScoredRun:
    if not any(scores.values()):
        raise UsageError(f"Run {run.name} has no scores yet: `tsea eval score {run.name}` makes them.")
    labels = {label.feature: label for label in final_labels(records.labels(run))}
    return ScoredRun(run.name, run.subject, labels, scores)


def _subject(run: Run) -> str:
    return f"{run.subject} ({run.subject_hash[:8]})"
