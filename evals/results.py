"""Measured figures as files: JSON for programs, a Markdown table for the README."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..tools.files import atomic_write

FOLDER = Path(__file__).parent / "measured"


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "".join(f"| {' | '.join(str(cell) for cell in line)} |\n" for line in lines)


def write_results(name: str, rows: list[dict[str, Any]], table: str, folder: Path = FOLDER) -> None:
    """Write `name`.json and `name`.md into the folder of measured figures."""
    atomic_write(folder / f"{name}.json", (json.dumps(rows, indent=1) + "\n").encode())
    atomic_write(folder / f"{name}.md", table.encode())
