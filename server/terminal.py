"""What the command line prints: JSON lines, tables on a terminal and plain lines elsewhere, progress, errors."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..tools.progress import Progress

QUIET_SECONDS = 5.0


def print_json(objects: Iterable[BaseModel]) -> None:
    """One JSON object a line, flushed as it comes."""
    for item in objects:
        sys.stdout.write(item.model_dump_json(by_alias=True) + "\n")
        sys.stdout.flush()


def print_table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """A table on a terminal; elsewhere one line a row, cells separated by tabs."""
    if not sys.stdout.isatty():
        sys.stdout.write("\t".join(headers) + "\n")
        for row in rows:
            sys.stdout.write("\t".join(_cell(cell) for cell in row) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*headers, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    Console(markup=False).print(table)


def print_lines(lines: Iterable[str]) -> None:
    """Plain lines."""
    for line in lines:
        sys.stdout.write(f"{line}\n")


def print_notes(lines: Iterable[str]) -> None:
    """Lines for people, on stderr, so that they are not among the results."""
    sys.stderr.write("".join(f"{line}\n" for line in lines))


def note_circular(features: Iterable[int]) -> None:
    """Say of which features a written set says nothing, if there are any: it was made from them."""
    if own := sorted(set(features)):
        print_notes([f"The set was made from feature {', '.join(map(str, own))} or one nearly the same: no p there."])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """A callback (what, done, total) that shows bars on a terminal's stderr and a line every few seconds elsewhere."""
    if not sys.stderr.isatty():
        yield _progress_lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    # What is printed belongs to stdout, which may be a file.
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False) as bars:
        tasks: dict[str, object] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total or None)
            bars.update(tasks[what], completed=done, total=total or None)  # type: ignore[arg-type]

        yield report


def _progress_lines() -> Progress:
    started: dict[str, tuple[float, int]] = {}  # when and from what count each kind of work began
    last: dict[str, float] = {}
    counts: dict[str, int] = {}

    def report(what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what not in started or done < counts[what]:  # the same kind of work may be done again
            started[what] = (now, done)
        begun, before = started[what]
        counts[what] = done
        if done == total or now - last.get(what, now - QUIET_SECONDS) >= QUIET_SECONDS:
            last[what] = now
            rate = (done - before) / (now - begun) if now > begun else 0.0
            pace = f", {rate:.3g}/s" if rate else ""
            left = f", {(total - done) / rate:.0f} s left" if rate and total > done else ""
            sys.stderr.write(f"{what}: {done}{f'/{total}' if total else ''}{pace}{left}\n")

    return report
