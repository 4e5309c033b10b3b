"""`tsea eval compare` on records of two runs with scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from compared import label, stored_scores_of
from contract import CONTRACT
from typer.testing import CliRunner

from tsea.server.cli import app
from tsea.tools.storage.records import Records

FEATURES = range(25)


@pytest.fixture(autouse=True)
def records() -> Iterator[Records]:
    with Records() as opened:
        for name, shift in (("a", 0.0), ("b", 0.1), ("unscored", None)):
            run = opened.open_run(name, "pocket", "a hash", {"name": name})
            opened.write_block(run, [label(feature, f"{name} {feature}") for feature in FEATURES])
            if shift is not None:
                values = np.random.default_rng(0).uniform(0.4, 0.8, len(FEATURES)) + shift
                stored_scores_of(opened, name, dict(zip(FEATURES, values.tolist(), strict=True)))
        yield opened


def compared(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["eval", "compare", *map(str, arguments)])


def test_json_is_one_object_with_the_rows_of_the_contract() -> None:
    found = compared("a", "b", "--json")
    whole = json.loads(found.stdout)
    (row,) = whole["rows"]
    assert list(whole) == CONTRACT["eval compare"]["fields"] and list(row) == CONTRACT["eval compare"]["row"]
    assert {name: row[name] for name in ("scorer", "run", "n", "win")} == {
        **{"scorer": "output", "run": "b", "n": 25, "win": 25},
    }
    assert row["difference"] == pytest.approx(0.1) and 0 < row["p"] < 1e-4
    assert row["low"] == pytest.approx(0.1) == row["high"]


def test_the_table_says_what_is_compared_and_where_runs_differ_most() -> None:
    found = compared("b", "a")
    header, row, more, *rows = [line.split("\t") for line in found.stdout.splitlines()]
    assert found.exit_code == 0 and dict(zip(header, row, strict=True))["difference"] == "-0.100"
    assert more[-1] == "label" and len(rows) == 5 and "minus those of b" in found.stderr


def test_out_writes_json_markdown_and_a_page(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    assert compared("a", "b", "--out", out).exit_code == 0
    assert sorted(file.name for file in out.iterdir()) == ["compare.html", "compare.json", "compare.md"]
    assert json.loads((out / "compare.json").read_text())["baseline"] == "a"
    assert "<h1>" in (out / "compare.html").read_text()


@pytest.mark.parametrize(
    ("runs", "message"),
    [(("a",), "two runs"), (("a", "a"), "named twice"), (("a", "unscored"), "tsea eval score unscored")],
)
def test_what_cannot_be_compared_is_one_line_and_exit_code_2(runs: tuple[str, ...], message: str) -> None:
    found = compared(*runs)
    (line,) = found.stderr.splitlines()
    assert found.exit_code == 2 and message in line


def test_density_of_another_version_of_the_subject_is_not_taken() -> None:
    found = compared("a", "b", "--density", "--json")
    assert json.loads(found.stdout)["rows"][0]["by_density"] == []
    assert "Not compared by density: pocket is not what it was" in found.stderr
