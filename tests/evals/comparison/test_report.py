from __future__ import annotations

import json
import re

import pytest
from compared import HOSTILE, label, scored_run

from tsea.evals.comparison.comparison import Comparison, compare
from tsea.evals.comparison.report import disagreement_rows, explained, report, table_rows


@pytest.fixture
def comparison() -> Comparison:
    first = scored_run("base|line", [0.5, 0.6, 0.7, 0.5], abstaining=[3], labels=[label(0, HOSTILE, confidence=0.5)])
    second = scored_run("b", {0: 0.9, 1: 0.6, 2: 0.8, 3: 0.7, 4: 0.1}, labels=[label(2, "a\n# heading\n- list")])
    return compare([first, second], {0: 1e-4, 1: 1e-4, 2: 1e-3, 3: 1e-3})


def test_rows_have_the_keys_of_the_contract_first_and_are_plain_json(comparison: Comparison) -> None:
    figures = json.loads(json.dumps(report(comparison).figures, allow_nan=False))
    (row,) = figures["rows"]
    assert list(row)[:8] == ["scorer", "run", "difference", "low", "high", "p", "n", "p_holm"]
    assert (row["n"], row["win"], row["tie"], row["loss"]) == (4, 3, 1, 0)
    assert row["difference"] == pytest.approx(0.175) and row["low"] < 0.175 < row["high"]
    assert row["unpaired"]["run_only"] == 1 and row["both_claim"]["n"] == 3
    assert row["disagreements"][0]["baseline"]["text"] == HOSTILE.replace("\u202e", r"\u202e")
    assert [curve["run"] for curve in figures["curves"]] == ["base|line", "b"]
    assert (figures["baseline"], figures["adjustment"]) == ("base|line", "holm")


def test_tables_are_text_that_people_read(comparison: Comparison) -> None:
    (row,) = table_rows(comparison)
    assert row[:4] == ("output", "b", "0.575, 0.75", "+0.175")
    assert row[6:10] == ("0.25", "4", "3/1/0", "75%, 100%") and row[10].endswith(" (3)")
    assert re.fullmatch(r"\+\d\.\d{3} to \+\d\.\d{3}", row[4])
    lines = explained(comparison)
    assert "Features left out, output, b: 1 labelled in b only." in lines
    assert disagreement_rows(comparison)[0][2:5] == ("0", "prediction", "+0.400")
    empty = compare([scored_run("a", {0: 0.5}), scored_run("b", {1: 0.5})])
    assert table_rows(empty)[0][2:] == (
        *("–, –", "–", "–", "–", "–", "0", "0/0/0", "–, –"),
        "– (0)",
    )


def test_markdown_holds_texts_of_others_as_text(comparison: Comparison) -> None:
    text = report(comparison).table
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 3 + 3 + 4 and len({line.replace(r"\|", "").count("|") for line in table[:3]}) == 1
    assert not re.search(r"(?<!\\)<", text) and r"\!\[a\](http://x/?q)" in text and "\u202e" not in text
    assert "# heading" not in [line.strip() for line in text.splitlines()] and r"a \# heading - list" in text
    assert "## By class" in text and "## By density" in text and "## Where they differ most" in text
