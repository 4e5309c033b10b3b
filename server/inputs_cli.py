"""The command on what features read: token sets and written hypotheses tested on what makes them fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..tools.errors import UsageError
from ..tools.phrases import listing, number_of
from . import options as opt
from .selection import selected
from .terminal import note_circular, print_json, print_notes, print_table, progress_bars

if TYPE_CHECKING:
    import numpy as np

    from ..tools.inputs.spec import InputSpec
    from ..tools.results import InputTestRow
    from ..tools.workbench import Workbench


def reads(
    features: opt.Features,
    spec: Annotated[
        str | None,
        typer.Option(
            help="Test one hypothesis that you write instead, as a library name or JSON with token, previous, next, "
            "text or position.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", help="Count the tests of --spec in this run's ledger.", show_default=False)
    ] = None,
    database: opt.Database = None,
    count: Annotated[int, typer.Option(min=1, help="Sets to show of each feature.")] = 5,
    subject: opt.SubjectName = "pocket",
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Which token sets features fire on, right behind, or before, against random encoder directions."""
    from ..tools.inputs.rows import reading_rows
    from ..tools.inputs.spec import parse_input_spec
    from ..tools.inputs.words import set_title
    from ..tools.workbench import Workbench

    if run is not None and spec is None:
        raise UsageError("Without --spec there is nothing to count in a run's ledger: leave out --run.")
    written = None if spec is None else parse_input_spec(spec)
    with progress_bars() as progress:
        workbench = Workbench.open(subject, device=device, dtype=dtype, progress=progress)
        chosen = selected(workbench, features)
        if written is not None:
            return _print_tested(_tested(workbench, chosen, written, run, database), json)
        found = reading_rows(workbench.reading, chosen)
    if json:
        return print_json(row for rows in found for row in rows)
    _note_rare([rows[0].feature for rows in found if not rows[0].firings])
    print_table(
        ("feature", "set", "place", "share", "of all tokens", "same tokens", "p", "p any set", "q", "holds"),
        (
            (r.feature, set_title(r.set), r.where, r.share, r.base, r.matched, r.p, r.p_sets, r.q, _yes(r.holds))
            for rows in found
            for r in rows[:count]
            if r.p is not None
        ),
        title=f"The {number_of(count, 'set')} with the smallest p over all sets",
    )


def _tested(
    workbench: Workbench, features: np.ndarray, spec: InputSpec, run: str | None, database: str | None
) -> list[InputTestRow]:
    from ..tools.inputs.rows import input_test_rows
    from ..tools.ledger import TestLedger
    from ..tools.storage.records import Records

    if run is None:
        return input_test_rows(workbench.reading, features, spec)
    with Records(database) as records:
        return TestLedger(records, workbench, run).read(workbench.reading, features, spec)


def _print_tested(rows: list[InputTestRow], json: bool) -> None:
    if json:
        return print_json(rows)
    _note_rare([row.feature for row in rows if not row.firings])
    note_circular(row.feature for row in rows if row.circular)
    print_table(
        ("feature", "firings", "share", "of all tokens", "p", "q", "tests", "holds"),
        [(r.feature, r.firings, r.share, r.base, r.p, r.q, r.tests, _yes(r.holds)) for r in rows],
    )


def _note_rare(features: list[int]) -> None:
    """Say which features fire too rarely to be tested."""
    if features:
        print_notes([f"Too few firings to test: {listing([str(feature) for feature in features], 20)}"])


def _yes(flag: bool | None) -> str | None:
    return None if flag is None else "yes" if flag else "no"
