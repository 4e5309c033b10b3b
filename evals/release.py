"""The release benchmark: `tsea eval release`, the statistical labeler beside its ablations and a plain baseline.

On held-out tokens and documents of the bundled subject every labeler is compared with the baseline (the library set
with the largest share of the 20 most promoted tokens, and of the tokens of the 20 strongest firings), feature by
feature, once where both claim something and once over all, where saying nothing scores chance. Controls: the same
labeler on a subject without training, and on random directions. On planted truth it shows what is found and what is
wrong.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
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
from .planted.report import BACKGROUNDS, Measured, measure, named_labeler
from .planted.subject import plant
from .results import Report, markdown_table
from .score_summary import ScoreRow, score_rows
from .scorers.programs import program_scorers
from .scoring import Scored, score_run

BASELINE = "top-tokens"
EXAMINED = ("statistical", BASELINE)  # beside shuffled labels too, and on subjects without training
LABELERS = ("statistical", *(name for name in ABLATIONS if name != BASELINE))
SCORERS = ("output", "input", "next-token")
FEATURES = 512
PLANTED = 324
UNTRAINED = "pocket-random"
RANDOM = "random directions"


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
    """What a labeler's claims earn on a subject or on directions: score and lift over shuffled labels."""

    labeler: str
    on: str
    scorer: str
    n: int
    score: float | None
    lift: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class TruthRow:
    """A labeler on planted truth: found where the test has the power, claims, share of wrong ones, calibration error.

    `nulls_claimed` is the share of features with nothing planted about which something is claimed.
    """

    labeler: str
    background: str
    n: int
    recall: float | None
    claims: int
    wrong_claims: float | None
    nulls_claimed: float | None
    ece: float | None

    @classmethod
    def of(cls, labeler: str, measured: Measured) -> TruthRow:
        """From all figures of a labeler on a background."""
        return cls(
            labeler=labeler,
            background=measured.background,
            n=measured.total.n,
            recall=measured.powered.recall_top1 if measured.powered else None,
            claims=measured.total.claims,
            wrong_claims=measured.total.wrong_claims,
            nulls_claimed=next((row.claimed for row in measured.rows if row.strength == 0), None),
            ece=measured.total.ece,
        )


def report(features: int = FEATURES, planted_features: int = PLANTED, progress: Progress = silent) -> Report:
    """All tables, for so many features of the bundled subject, drawn at even distances, and of planted ones."""
    workbench = Workbench.open(imported=False, progress=progress)
    with _records() as records:
        labelers, controls = compared(workbench, records, features)
        controls += untrained(records, features, progress)
        controls += random_directions(workbench, features)
        truth = known_truth(workbench, records, planted_features)
    notes = [*_verdicts(labelers), *_meaningless(controls)]
    figures = {
        "rows": [asdict(row) for row in labelers],
        "controls": [asdict(row) for row in controls],
        "planted": [asdict(row) for row in truth],
        "notes": notes,
    }
    return Report("release", figures, _table(labelers, controls, truth, notes))


def compared(workbench: Workbench, records: Records, features: int) -> tuple[list[LabelerRow], list[ControlRow]]:
    """Every labeler beside the baseline, and what the statistical one and the baseline earn over shuffled labels."""
    exam, names = Exam(workbench), (BASELINE, *LABELERS)
    controls: list[ControlRow] = []
    open_index(workbench.subject)  # made now: the baseline reads it where it is there
    chosen = _spread(workbench, features)
    for name in names:
        run = _labelled(workbench, records, name, chosen)
        scored = score_run(exam, records, run, program_scorers(exam, SCORERS), workbench.progress)
        if name in EXAMINED:
            controls += _controls(name, workbench.subject.name, scored)
    runs, _ = scored_runs(records, names)
    return [_labeler_row(row) for row in compare(runs).rows], controls


def untrained(records: Records, features: int, progress: Progress = silent) -> list[ControlRow]:
    """What the statistical labeler and the baseline earn on a subject without training."""
    workbench = Workbench.open(UNTRAINED, imported=False, progress=progress)
    open_index(workbench.subject)
    exam, chosen, rows = Exam(workbench), _spread(workbench, features), list[ControlRow]()
    for name in EXAMINED:
        run = _labelled(workbench, records, name, chosen, f"{UNTRAINED}-{name}")
        rows += _controls(name, UNTRAINED, score_run(exam, records, run, program_scorers(exam, SCORERS), progress))
    return rows


def random_directions(workbench: Workbench, count: int) -> list[ControlRow]:
    """What the statistical labeler earns on so many random directions that resemble the dictionary."""
    return _controls("statistical", RANDOM, [score_random_directions(Exam(workbench), count)])


def known_truth(workbench: Workbench, records: Records, features: int) -> list[TruthRow]:
    """The statistical labeler and all ablations on so many planted features, on each background."""
    rows: list[TruthRow] = []
    for background in BACKGROUNDS:
        made = plant(workbench, background, features)
        for name in ("statistical", *ABLATIONS):
            rows.append(TruthRow.of(name, measure(made, named_labeler(name), records)))
            workbench.progress("planted truth: labelers", len(rows), len(BACKGROUNDS) * (1 + len(ABLATIONS)))
    return rows


@contextlib.contextmanager
def _records() -> Iterator[Records]:
    """Records that end with the block."""
    with (
        tempfile.TemporaryDirectory(prefix="tsea-release-") as folder,
        Records(f"sqlite:///{folder}/runs.db") as records,
    ):
        yield records


def _spread(workbench: Workbench, count: int) -> np.ndarray:
    """So many live features at even distances."""
    live = np.flatnonzero(workbench.subject.alive)
    return live[np.unique(np.linspace(0, len(live) - 1, min(count, len(live))).round().astype(int))]


def _labelled(workbench: Workbench, records: Records, name: str, features: np.ndarray, run_name: str = "") -> Run:
    """A run by a labeler, on record."""
    from ..labeler.batch import label_features

    run_name = run_name or name
    if name == "statistical":
        reading, progress = workbench.reading, workbench.progress
        return label_features(workbench, records, features, reading=reading, run_name=run_name, progress=progress)
    run = records.open_run(run_name, workbench.subject.name, workbench.subject.hash, {"labeler": name})
    records.write_block(run, ABLATIONS[name](workbench, features), [], [])
    return records.run(run_name)


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


def _controls(labeler: str, on: str, scored: Sequence[Scored]) -> list[ControlRow]:
    return [_control(labeler, on, row) for row in score_rows(scored) if row.over == "claimed"]


def _control(labeler: str, on: str, row: ScoreRow) -> ControlRow:
    shuffled = row.controls.get("shuffled")
    lift = (shuffled.lift, shuffled.lift_low, shuffled.lift_high) if shuffled else (None, None, None)
    return ControlRow(labeler, on, row.scorer, row.n, row.value, *lift)


def _verdicts(labelers: Sequence[LabelerRow]) -> Iterator[str]:
    """Whether the statistical labeler beats the baseline, and where it does not, how often each claims."""
    for row in labelers:
        if row.labeler != "statistical":
            continue
        over_all, both = ((low or 0) > 0 for low in (row.all_low, row.both_low))
        where = {
            (True, True): "over all features and where both claim",
            (True, False): "over all features, not where both claim",
            (False, True): "where both claim, not over all features",
            (False, False): "neither over all features nor where both claim",
        }[over_all, both]
        abstains = f" It says nothing of {1 - row.coverage:.0%}, which scores chance." if row.coverage else ""
        yield f"{row.scorer}: the statistical labeler beats the baseline {where}.{'' if over_all else abstains}"


def _meaningless(controls: Sequence[ControlRow]) -> Iterator[str]:
    """Lifts of the statistical labeler that exclude 0 where nothing was learnt."""
    for row in controls:
        if row.labeler == "statistical" and row.on in (UNTRAINED, RANDOM) and (row.low or 0) > 0:
            yield (
                f"{row.scorer}: claims about {row.on} earn a lift too. They are true, for even what has learnt nothing "
                "promotes some tokens or fires on some; a score says how well a label fits, not that it matters."
            )


def _table(
    labelers: Sequence[LabelerRow], controls: Sequence[ControlRow], truth: Sequence[TruthRow], notes: Sequence[str]
) -> str:
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
            if r.coverage  # ablations say nothing of inputs
        ],
    )
    control = markdown_table(
        ("labeler", "on", "scorer", "claims scored", "score", "lift over shuffled labels"),
        [(r.labeler, r.on, r.scorer, r.n, _number(r.score), _range(r.lift, r.low, r.high)) for r in controls],
    )
    known = markdown_table(
        ("labeler", "planted on background", "found where power >= .98", "claims", "wrong", "nulls claimed", "ECE"),
        [
            (
                *(r.labeler, r.background, _number(r.recall), r.claims),
                *map(_number, (r.wrong_claims, r.nulls_claimed, r.ece)),
            )
            for r in truth
        ],
    )
    return "\n".join((beside, control, known, "".join(f"- {note}\n" for note in notes)))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _range(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return ""
    return f"{value:+.3f}" if low is None or high is None else f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
