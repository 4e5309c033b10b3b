from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tsea.evals import index_speed
from tsea.evals.index_speed import Case
from tsea.evals.random_gpt2 import Shape


def _here(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


@pytest.mark.large
@pytest.mark.parametrize(
    "case",
    [
        Case("pocket", None, 300, 100),
        Case("random", Shape(layers=2, width=32, heads=2, vocabulary=8300, features=2000, hook_layer=1), 300, 100),
    ],
)
def test_index_and_bare_loop_are_timed_and_memory_is_measured_twice(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSEA_HOME", "set back afterwards")
    monkeypatch.setattr(index_speed, "apart", _here)
    monkeypatch.setattr(index_speed, "TURNS", 1)
    report = index_speed.report(cases=[case])
    (row,) = report.figures["rows"]
    assert (report.name, row["subject"], row["held"]) == ("index_speed", case.name, 100)
    assert 300 <= row["timed"] <= 300 + 127
    assert row["share"] == pytest.approx(row["index"] / row["bare"]) and row["bare"] > 0
    assert row["l0"] == pytest.approx(32 if case.shape is None else case.shape.features * 60 / 24_576, rel=0.5)
    assert f"| {case.name} | {row['features']:,} |" in report.table
