"""What every format is given and gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...tools.errors import UsageError

FormatName = Literal["neuronpedia", "neuronpedia-batch", "delphi", "saebench", "csv", "parquet"]


@dataclass(frozen=True)
class Destination:
    """What the other program calls the model, and the dictionary in it: None where that follows from the subject."""

    model: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Export:
    """Labels in a format: bytes of one file, or the files of a folder by name, which all fit the glob `pattern`.

    `labels` says how many labels it holds as explanations or rows; `notes` are lines about those left out or changed.
    """

    content: bytes | Mapping[str, bytes]
    labels: int
    notes: Sequence[str] = ()
    pattern: str = ""


def refuse_names(format_name: FormatName, to: Destination) -> None:
    """Raise UsageError where names are given to a format that has no place for them."""
    if to != Destination():
        raise UsageError(f"--format {format_name} takes its names from the subject: leave out --model and --source.")
