"""What every format is given and gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...tools.errors import UsageError

FormatName = Literal["neuronpedia", "neuronpedia-batch", "delphi", "saebench", "csv", "parquet"]


@dataclass(frozen=True)
class Destination:
    """What the other program calls the model, and the dictionary in it (None: as follows from the subject).

    `dashboards`, a file or folder of SAEDashboard's, completes features where they are uploaded.
    """

    model: str | None = None
    source: str | None = None
    dashboards: Path | None = None

    def allow(self, format_name: FormatName, *names: str) -> None:
        """Raise UsageError where anything but `names` is given to a format, which has no use for it."""
        for name, value in vars(self).items():
            if value is not None and name not in names:
                raise UsageError(f"--format {format_name} has no use for --{name}: leave it out.")


@dataclass(frozen=True)
class Export:
    """Labels in a format: bytes of one file, or the files of a folder by name, which all fit the glob `pattern`.

    `labels` says how many labels it holds as explanations or rows; `notes` are lines about those left out or changed.
    """

    content: bytes | Mapping[str, bytes]
    labels: int
    notes: Sequence[str] = ()
    pattern: str = ""
