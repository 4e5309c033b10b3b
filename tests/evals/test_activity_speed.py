from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tsea.evals import activity_speed


def _here(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def test_single_questions_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSEA_HOME", "set back afterwards")
    for name, value in (("apart", _here), ("CALLS", 3), ("INDEXED", 3 * 127)):
        monkeypatch.setattr(activity_speed, name, value)
    report = activity_speed.report(subjects=["pocket/neurons/0"])
    rows = report.figures["rows"]
    assert [(row["call"], row["calls"]) for row in rows] == [("activate, 5 features", 3), ("find", 3)]
    assert all(0 < row["p50_ms"] <= row["p95_ms"] < 60_000 for row in rows)
    assert f"| pocket/neurons/0 | find | 3 | {rows[1]['p50_ms']:.0f} ms |" in report.table
