"""Options and output that the commands `tsea eval ...` share: a report as a table, as JSON, and as files."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..tools.errors import UsageError
from .terminal import print_lines

if TYPE_CHECKING:
    from ..evals.results import Report

Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]


def _made(folder: Path | None) -> Path | None:
    """The folder, made before any work begins; raises UsageError where that cannot be."""
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"Cannot make the folder {folder} ({error.strerror}): name another one.") from error
    return folder


Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="Folder to write NAME.json and NAME.md into (compare: a page too).",
        show_default=False,
        callback=_made,
    ),
]


def give(report: Report, json: bool, out: Path | None) -> None:
    """Write a report into a folder, where there is one, and print it."""
    if out is not None:
        report.write(out)
    print_lines([jsonlib.dumps(report.figures) if json else report.table.rstrip("\n")])
