"""How far the judges agree that scored the same labels of a run: Krippendorff's alpha by scorer and pair of judges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ...tools.errors import UsageError
from ...tools.storage.records import Records
from ...tools.storage.tables import Run
from ..results import Report, markdown_table
from ..scorers.by_judge import JUDGED
from .agreement import Scale, agreement


@dataclass(frozen=True)
class AgreementRow:
    """Two judges by one scorer: alpha of their answers on `n` items of `labels` labels, `missing` of one or both.

    A judge is named by its model and a hash of its settings, the seed among them; `alpha` is None where nothing varies.
    """

    scorer: str
    first: str
    second: str
    scale: Scale
    alpha: float | None
    n: int
    missing: int
    labels: int


def report(records: Records, run: Run) -> Report:
    """A row for each scorer and pair of judges that answered about the same items of the run's labels.

    Raises UsageError where no two judges did.
    """
    details = _details(records, run)
    rows = [
        row
        for (scorer, _), judges in details.items()
        for first, second in combinations(judges, 2)
        if (row := _row(scorer, (first, judges[first]), (second, judges[second]))) is not None
    ]
    if not rows:
        raise UsageError(
            f"No two judges have answered about the same labels of run {run.name}. Score it by two: `tsea eval score "
            f"{run.name} --judge MODEL`, then the same with another model, or with `--seed 1` for another opinion of "
            "the same one."
        )
    table = markdown_table(
        ("scorer", "judges", "alpha", "items", "missing", "labels"),
        [
            (
                row.scorer,
                f"{row.first}, {row.second}",
                "" if row.alpha is None else f"{row.alpha:.3f}",
                *(row.n, row.missing, row.labels),
            )
            for row in rows
        ],
    )
    made = Report.of("agreement", rows, table)
    return Report(made.name, {"run": run.name, **made.figures}, made.table)


_ByLabel = Mapping[int, Mapping[str, Any]]


def _details(records: Records, run: Run) -> dict[tuple[str, str], dict[str, dict[int, Mapping[str, Any]]]]:
    """Details of the scores of labels, by scorer and exam, by judge, by label; judges in the order they began."""
    found: dict[tuple[str, str], dict[str, dict[int, Mapping[str, Any]]]] = defaultdict(lambda: defaultdict(dict))
    for row in records.scores(run):
        comparable = row.scorer in JUDGED and JUDGED[row.scorer].scale is not None
        if comparable and not row.control and "answers" in row.details:
            found[row.scorer, row.exam][row.judge][row.label_id] = row.details
    return found


def _row(scorer: str, first: tuple[str, _ByLabel], second: tuple[str, _ByLabel]) -> AgreementRow | None:
    """None where the judges have no label in common."""
    scale, common = JUDGED[scorer].scale, sorted(first[1].keys() & second[1].keys())
    if scale is None or not common:
        return None
    found = agreement([first[1][label] for label in common], [second[1][label] for label in common], scale)
    return AgreementRow(scorer, first[0], second[0], scale, found.alpha, found.items, found.missing, len(common))
