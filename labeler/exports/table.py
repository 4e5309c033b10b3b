"""The rows of tables: every label of a run, whatever its status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ...tools.storage.tables import Label, Run
from ..runs import failure_reason
from .choice import explanations

_PLAIN = ("feature", "status", "kind", "claim", "confidence", "q", "refute", "created")
_JSON = ("hypotheses", "evidence", "provenance")
COLUMNS = ("label", "run", "subject", *_PLAIN[:2], "text", "failure", *_PLAIN[2:], *_JSON)


def label_row(run: Run, label: Label) -> dict[str, Any]:
    """A label by column; `text` is None where it failed, and `failure` says why, `hypotheses` and so on are JSON."""
    failed = label.status == "failed"
    cells = {
        "label": label.id,
        "run": run.name,
        "subject": run.subject,
        "text": None if failed else label.text,
        "failure": failure_reason(label) if failed else None,
        **{name: getattr(label, name) for name in _PLAIN},
        **{name: json.dumps(getattr(label, name), ensure_ascii=False) for name in _JSON},
    }
    return {name: cells[name] for name in COLUMNS}


def table_notes(labels: Sequence[Label]) -> list[str]:
    """A line where not every row is an explanation."""
    others = len(labels) - len(explanations(labels))
    return [f"{others} of {len(labels)} rows claim nothing or failed: see `status`."] if others else []
