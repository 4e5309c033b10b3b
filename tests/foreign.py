"""Explanations in files as other programs write them, for tests of imports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def bulk_row(feature: int, text: str | None, model: str = "gpt-4o-mini", **more: Any) -> dict[str, Any]:
    """A line of Neuronpedia's bulk files."""
    return {
        "id": f"id{feature}",
        "modelId": "tiny",
        "layer": "0-res",
        "index": str(feature),
        "description": text,
        "authorId": "author",
        "typeName": "oai_token-act-pair",
        "explanationModelName": model,
        "notes": None,
        "createdAt": "2024-01-01T00:00:00.000Z",
    } | more


def bulk_file(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def delphi_folder(folder: Path, texts: Mapping[str, Any]) -> Path:
    """A folder of delphi's, by what stands before `.txt`."""
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(json.dumps(text), encoding="utf-8")
    return folder
