"""The JSON contract of the command line: which fields each command's objects have, in which order, of which types."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONTRACT = json.loads((Path(__file__).parent / "server" / "json_contract.json").read_text())


def assert_documented(command: str, stdout: str) -> None:
    """Every line has the documented fields in order, and one has the documented types."""
    lines = [json.loads(line) for line in stdout.splitlines()]
    assert lines and all(list(line) == CONTRACT[command]["fields"] for line in lines)
    assert CONTRACT[command]["example"] in [_shape(line) for line in lines]


def _shape(value: Any) -> Any:
    """Names and JSON types, the part of an output that programs rely on."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__
