"""The tool that scores a label. Labeling agents never get it: to them it would be an oracle."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from pydantic import Field

from ..tools.errors import UsageError
from ..tools.progress import to_current
from ..tools.tool import Answer, SubjectArguments, Tool

if TYPE_CHECKING:
    from ..tools.investigation import Investigation
    from ..tools.workbench import Workbench
    from .exam.exam import Exam
    from .scores import FeatureScores, Score

_SCORERS = ("output", "input", "next-token")  # those that answer at once
_NOTE = (
    "Made once, on sealed tokens and held-out documents; chance is .5, also for a label that claims nothing on a "
    "scorer's side. One label's score is rough: hold it against the controls, and judge runs rather than labels."
)


class ScoreLabel(SubjectArguments):
    """Arguments of score_label."""

    label: int = Field(ge=1, le=2**31 - 1, description="Id of the label, as submit_label and search_labels give it.")


def score_label(investigation: Investigation, given: ScoreLabel) -> Answer:
    """Score a label that is on record, or read the scores that it has."""
    from .scorers.programs import program_scorers
    from .scoring import labels_to_score, score_labels

    workbench, records = investigation.workbench(given.subject), investigation.records
    found = records.label(given.label)
    if found is None or found[1].subject_hash != workbench.subject.hash:
        raise UsageError(f"No label {given.label} of {workbench.subject.name}: search_labels lists them.")
    label, run = found
    exam, labels = _exam(workbench), labels_to_score(records.labels(run)) | {label.feature: label}
    names = _SCORERS if workbench.subject.encoder is not None else ()
    scored = score_labels(
        exam, records, run, labels, program_scorers(exam, names), only=[label.feature], progress=to_current
    )
    scores = [{"scorer": one.scorer, "chance": one.chance, **_compact(one.features[0])} for one in scored]
    return Answer({"label": given.label, "feature": label.feature, "run": run.name, "scores": scores, "note": _NOTE})


@functools.lru_cache(maxsize=4)
def _exam(workbench: Workbench) -> Exam:
    from .exam.exam import Exam

    return Exam(workbench)


def _compact(scores: FeatureScores) -> dict[str, Any]:
    own = _result(scores.label) | ({"abstained": True} if scores.abstained else {})
    controls = {name: score.value for name, score in scores.controls.items() if score.value is not None}
    return own | ({"controls": controls} if controls else {})


def _result(score: Score) -> dict[str, Any]:
    return {"unscored": score.unscored} if score.value is None else {"value": score.value, "items": score.n}


EVAL_TOOLS: list[Tool[Any]] = [
    Tool(
        "score_label",
        "Score a label",
        "Score a submitted label on sealed tokens and held-out documents, beside controls on the same items: other "
        "features' labels, an empty one, a constant answer. Made once for each label and kept.",
        ScoreLabel,
        score_label,
        writes="labels",
    ),
]
