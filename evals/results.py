"""Measured figures: JSON for programs, Markdown tables for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..tools.files import atomic_write


@dataclass(frozen=True)
class Report:
    """What an eval found: `figures` as JSON knows them, with the rows under `rows`, and the same as Markdown."""

    name: str
    figures: dict[str, Any]
    table: str

    @classmethod
    def of(cls, name: str, rows: Sequence[Any], table: str) -> Report:
        """A report of rows that are dataclasses."""
        return cls(name, {"rows": [asdict(row) for row in rows]}, table)

    def write(self, folder: Path) -> None:
        """Write NAME.json and NAME.md into a folder."""
        atomic_write(folder / f"{self.name}.json", (json.dumps(self.figures, indent=1) + "\n").encode())
        atomic_write(folder / f"{self.name}.md", self.table.encode())


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)
