"""All formats by name, and a run written in one of them."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path

from ...tools.errors import UsageError
from ...tools.files import atomic_folder, atomic_write
from ...tools.storage.tables import Label, Run
from . import csv_file, delphi, neuronpedia, parquet_file, saebench
from .choice import left_out
from .export import Destination, Export, FormatName

FORMATS: dict[FormatName, Callable[[Run, Sequence[Label], Destination], Export]] = {
    "neuronpedia": neuronpedia.bulk,
    "neuronpedia-batch": neuronpedia.upload,
    "delphi": delphi.files,
    "saebench": saebench.summary,
    "csv": csv_file.rows,
    "parquet": parquet_file.rows,
}


def exported(run: Run, labels: Sequence[Label], format_name: FormatName, to: Destination) -> Export:
    """Labels of a run in a format; raises UsageError where it has none, or none that the format holds."""
    if not labels:
        raise UsageError(f"Run {run.name} has no labels: there is nothing to export. `tsea runs list` shows which do.")
    export = FORMATS[format_name](run, labels, to)
    if not export.labels:
        raise UsageError(
            f"Run {run.name} has no label with a claim, and --format {format_name} holds no others: --format csv or "
            "parquet hold all.",
            left_out(labels),
        )
    return export


def write_export(export: Export, out: Path, *, force: bool = False) -> None:
    """Write an export to `out`, whole or not at all; gzipped where `out` ends in .gz.

    With `force`, `out` may exist: a file is replaced, a folder too where it holds nothing but files of this format.
    Raises UsageError for a place that is taken, TseaError where it cannot be written.
    """
    out = out.expanduser().absolute()
    if out.exists():
        _check_taken(export, out, force)
    if isinstance(export.content, bytes):
        content = gzip.compress(export.content, mtime=0) if out.suffix == ".gz" else export.content
        atomic_write(out, content)
    else:
        atomic_folder(out, export.content)


def _check_taken(export: Export, out: Path, force: bool) -> None:
    one_file = isinstance(export.content, bytes)
    if out.is_dir() == one_file:
        raise UsageError(
            f"{out} is a {'folder and this format is a file' if one_file else 'file and this format is a folder'}: "
            "give another --out."
        )
    if not force:
        raise UsageError(f"{out} exists: give another --out, or --force to replace it.")
    if not one_file:
        for held in out.iterdir():
            if held.is_dir() or not fnmatch(held.name, export.pattern):
                raise UsageError(f"{out} holds more than such an export ({held.name}): give another --out.")
