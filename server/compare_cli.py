"""The command `tsea eval compare`: runs beside a baseline, by the scores of their labels."""

from __future__ import annotations

import json as jsonlib
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ..tools.errors import TseaError
from . import options as opt
from .eval_output import Json, Out
from .terminal import print_lines, print_notes, print_table, progress_bars

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..tools.storage.tables import Run


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN", help="Runs by name, the baseline first.", show_default=False)
    ],
    density: Annotated[
        bool, typer.Option("--density", help="Also compare by density, for which the subject is opened.")
    ] = False,
    json: Json = False,
    out: Out = None,
    database: opt.Database = None,
) -> None:
    """Compare runs with the first one, paired by feature: differences with intervals, p-values, wins and losses."""
    from ..evals.comparison.comparison import compare as compared
    from ..evals.comparison.loading import scored_runs
    from ..evals.comparison.report import (
        DISAGREEMENT_HEADERS,
        HEADERS,
        disagreement_rows,
        explained,
        report,
        table_rows,
    )
    from ..tools.files import atomic_write
    from ..tools.storage.records import Records

    with Records(database) as records, progress_bars() as progress:
        found, notes = scored_runs(records, runs)
        comparison = compared(found, _density(records.run(runs[0])) if density else None, progress)
    comparison = replace(comparison, notes=[*notes, *comparison.notes])
    made = report(comparison)
    if out is not None:
        from .compare_page import compare_page

        made.write(out)
        atomic_write(out / "compare.html", compare_page(comparison).encode())
        print_notes([f"Wrote compare.json, compare.md and compare.html into {out}"])
    if json:
        return print_lines([jsonlib.dumps(made.figures)])
    print_table(HEADERS, table_rows(comparison))
    if most := disagreement_rows(comparison):
        print_table(DISAGREEMENT_HEADERS, most, title="Where they differ most")
    print_notes(explained(comparison))


def _density(run: Run) -> Mapping[int, float] | None:
    """Share of tokens on which each feature of the run's subject fires; None, and a note, where it is not known."""
    from ..evals.density import feature_density
    from ..tools.subject import open_subject

    try:
        subject = open_subject(run.subject)
    except TseaError as error:
        print_notes([f"Not compared by density: {error}"])
        return None
    if subject.hash != run.subject_hash:
        print_notes([f"Not compared by density: {run.subject} is not what it was when run {run.name} was made."])
        return None
    if (density := feature_density(subject)) is None:
        print_notes([f"Not compared by density, which is not known: `tsea index --subject {run.subject}` measures it."])
        return None
    return dict(enumerate(density.tolist()))
