"""Runs on record, made ready to be compared."""

from __future__ import annotations

from collections.abc import Sequence

from ...tools.errors import UsageError
from ...tools.storage.records import Records
from ...tools.storage.tables import Run
from ..scoring import labels_to_score
from .paired import ScoredRun, Scores
from .stored import StoredScores, stored_scores


def scored_runs(records: Records, names: Sequence[str]) -> tuple[list[ScoredRun], list[str]]:
    """The runs of these names with their scores, in that order, and notes about scores that cannot be compared.

    Scores are taken from one exam, the latest that all runs with the measure sat. Raises UsageError for fewer than two
    runs, one named twice, runs on different subjects, and runs without scores that the first one has too.
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
    labels = [labels_to_score(records.labels(run)) for run in runs]
    stored = [stored_scores(records, run, own) for run, own in zip(runs, labels, strict=True)]
    for run, found in zip(runs, stored, strict=True):
        if not found:
            raise UsageError(f"Run {run.name} has no scores yet: `tsea eval score {run.name}` makes them.")
    chosen, notes = _of_one_exam(stored)
    for run, scores in zip(runs[1:], chosen[1:], strict=True):
        if not scores.keys() & chosen[0].keys():
            raise UsageError(
                f"Runs {runs[0].name} and {run.name} have no score by the same scorer and exam: `tsea eval score "
                f"{runs[0].name}` and `tsea eval score {run.name}` make such.",
                notes,
            )
    found = zip(runs, labels, chosen, strict=True)
    return [ScoredRun(run.name, run.subject, own, scores) for run, own, scores in found], notes


def _of_one_exam(stored: Sequence[StoredScores]) -> tuple[list[Scores], list[str]]:
    """The scores of each run by measure, all of them of one exam; notes name measures that have no common one."""
    chosen: list[Scores] = [{} for _ in stored]
    notes: list[str] = []
    for measure in dict.fromkeys(measure for found in stored for measure in found):
        having = [found[measure] for found in stored if measure in found]
        common = [exam for exam in having[0] if all(exam in exams for exams in having)]
        if not common:
            notes.append(
                f"Scores by {measure.title} are not compared, for the runs sat different exams (another index or "
                "version): `tsea eval score` them again."
            )
            continue
        chosen = [
            {**scores, **({measure: found[measure][common[-1]]} if measure in found else {})}
            for scores, found in zip(chosen, stored, strict=True)
        ]
    return chosen, notes


def _subject(run: Run) -> str:
    return f"{run.subject} ({run.subject_hash[:8]})"
