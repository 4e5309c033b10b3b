"""The release benchmark: `tsea eval release`, the statistical labeler beside its ablations and a plain baseline.

On held-out tokens and documents of the bundled subject every labeler is compared with the baseline (the library set
with the largest share of the 20 most promoted tokens, and of the tokens of the 20 strongest firings), feature by
feature, once where both claim something and once over all, where saying nothing scores chance. Controls: the same
labeler on a subject without training, and on random directions. On planted truth it shows what is found and what is
wrong.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..tools.activations.indexing import open_index
from ..tools.progress import Progress, silent
from ..tools.storage.records import Records
from ..tools.storage.tables import Run
from ..tools.workbench import Workbench
from .ablations import ABLATIONS
from .comparison.comparison import Row, compare
from .comparison.loading import scored_runs
from .control_directions import score_random_directions
from .exam.exam import Exam
from .planted import report as planted
from .results import Report, markdown_table
from .score_summary import ScoreRow, score_rows
from .scorers.programs import program_scorers
from .scoring import score_run

BASELINE = "top-tokens"
LABELERS = ("statistical", *(name for name in ABLATIONS if name != BASELINE))
SCORERS = ("output", "input", "next-token")
FEATURES = 512
PLANTED = 324
UNTRAINED = "pocket-random"


@dataclass(frozen=True)
class LabelerRow:
    """A labeler by one scorer: mean score over all features, and its difference from the baseline.

    `both` is the difference on the `n_both` features of which both claim something; `all`: over `n`, abstaining as
    chance. Intervals are 95 %; `p` of the difference over all features, by sign flips, adjusted by Holm.
    """

    labeler: str
    scorer: str
    score: float | None
    baseline: float | None
    coverage: float | None
    n: int
    all: float | None
    all_low: float | None
    all_high: float | None
    n_both: int
    both: float | None
    both_low: float | None
    both_high: float | None
    p: float | None


@dataclass(frozen=True)
class ControlRow:
    """What the statistical labeler earns on a subject or on directions: score and lift over shuffled labels."""

    on: str
    scorer: str
    n: int
    score: float | None
    lift: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class TruthRow:
    """A labeler on planted truth: found where the test has the power, wrong claims of all, calibration error."""

    labeler: str
    background: str
    n: int
    recall: float | None
    wrong_claims: float | None
    ece: float | None


def report(features: int = FEATURES, planted_features: int = PLANTED, progress: Progress = silent) -> Report:
    """All tables, for so many features of the bundled subject, drawn at even distances, and of planted ones."""
    labelers, controls = compared(features, progress)
    truth = [row for name in ("statistical", *ABLATIONS) for row in _truth(name, planted_features, progress)]
    figures = {
        "rows": [asdict(row) for row in labelers],
        "controls": [asdict(row) for row in controls],
        "planted": [asdict(row) for row in truth],
    }
    return Report("release", figures, _table(labelers, controls, truth))


def compared(features: int, progress: Progress = silent) -> tuple[list[LabelerRow], list[ControlRow]]:
    """Every labeler beside the baseline on the bundled subject, and the controls of the statistical one."""
    workbench = Workbench.open(imported=False, progress=progress)
    exam, names = Exam(workbench), (BASELINE, *LABELERS)
    controls: list[ControlRow] = []
    open_index(workbench.subject)  # made now: the baseline reads it where it is there
    with (
        tempfile.TemporaryDirectory(prefix="tsea-release-") as folder,
        Records(f"sqlite:///{folder}/runs.db") as records,
    ):
        chosen = _spread(workbench, features)
        for name in names:
            run = _labelled(workbench, records, name, chosen)
            scored = score_run(exam, records, run, program_scorers(exam, SCORERS), progress)
            if name == "statistical":
                controls += [_control("pocket", row) for row in score_rows(scored) if row.over == "claimed"]
        runs, _ = scored_runs(records, names)
        rows = [_labeler_row(row) for row in compare(runs).rows]
        untrained = Workbench.open(UNTRAINED, imported=False, progress=progress)
        other = Exam(untrained)
        run = _labelled(untrained, records, "statistical", _spread(untrained, features), f"{UNTRAINED}-statistical")
        scored = [*score_run(other, records, run, program_scorers(other, SCORERS), progress)]
        controls += [_control(UNTRAINED, row) for row in score_rows(scored) if row.over == "claimed"]
        found = score_rows([score_random_directions(exam, features)])
        controls += [_control("random directions", row) for row in found if row.over == "claimed"]
    return rows, controls


def _spread(workbench: Workbench, count: int) -> np.ndarray:
    """So many live features at even distances."""
    live = np.flatnonzero(workbench.subject.alive)
    return live[np.unique(np.linspace(0, len(live) - 1, min(count, len(live))).round().astype(int))]


def _labelled(workbench: Workbench, records: Records, name: str, features: np.ndarray, run_name: str = "") -> Run:
    """A run by a labeler, on record."""
    from ..labeler.batch import label_features

    if name == "statistical":
        return label_features(
            workbench,
            records,
            features,
            reading=workbench.reading,
            run_name=run_name or name,
            progress=workbench.progress,
        )
    run = records.open_run(name, workbench.subject.name, workbench.subject.hash, {"labeler": name})
    records.write_block(run, ABLATIONS[name](workbench, features), [], [])
    return records.run(name)


def _labeler_row(row: Row) -> LabelerRow:
    return LabelerRow(
        labeler=row.run,
        scorer=row.measure.scorer,
        score=row.run_mean,
        baseline=row.baseline_mean,
        coverage=row.run_coverage,
        n=row.overall.n,
        all=row.overall.difference,
        all_low=row.overall.low,
        all_high=row.overall.high,
        n_both=row.both_claim.n,
        both=row.both_claim.difference,
        both_low=row.both_claim.low,
        both_high=row.both_claim.high,
        p=row.p_holm,
    )


def _control(on: str, row: ScoreRow) -> ControlRow:
    shuffled = row.controls.get("shuffled")
    lift = (shuffled.lift, shuffled.lift_low, shuffled.lift_high) if shuffled else (None, None, None)
    return ControlRow(on, row.scorer, row.n, row.value, *lift)


def _truth(name: str, features: int, progress: Progress) -> list[TruthRow]:
    found = planted.report(name, features=features, progress=progress).figures["backgrounds"]
    return [
        TruthRow(
            labeler=name,
            background=one["background"],
            n=one["total"]["n"],
            recall=(one["powered"] or {}).get("recall_top1"),
            wrong_claims=one["total"]["wrong_claims"],
            ece=one["total"]["ece"],
        )
        for one in found
    ]


def _table(labelers: Sequence[LabelerRow], controls: Sequence[ControlRow], truth: Sequence[TruthRow]) -> str:
    beside = markdown_table(
        ("labeler", "scorer", "score", "baseline", "claims", "difference, all", "difference, both claim", "p"),
        [
            (
                *(r.labeler, r.scorer, _number(r.score), _number(r.baseline)),
                "" if r.coverage is None else f"{r.coverage:.0%}",
                _range(r.all, r.all_low, r.all_high),
                f"{_range(r.both, r.both_low, r.both_high)} (n {r.n_both})",
                "" if r.p is None else f"{r.p:.2g}",
            )
            for r in labelers
        ],
    )
    control = markdown_table(
        ("statistical labeler on", "scorer", "claims scored", "score", "lift over shuffled labels"),
        [(r.on, r.scorer, r.n, _number(r.score), _range(r.lift, r.low, r.high)) for r in controls],
    )
    known = markdown_table(
        ("labeler", "planted on background", "n", "found where power >= .98", "wrong claims", "ECE"),
        [(r.labeler, r.background, r.n, *map(_number, (r.recall, r.wrong_claims, r.ece))) for r in truth],
    )
    return f"{beside}\n{control}\n{known}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _range(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    return f"{value:+.3f}" if low is None or high is None else f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
