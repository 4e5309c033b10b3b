"""`tsea runs ...` on records that hold every kind of label."""

from __future__ import annotations

import contextlib
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from contract import CONTRACT, assert_documented
from foreign import bulk_file, bulk_row
from outcomes import label, mixed_labels, stored_run
from typer.testing import CliRunner

from tsea.labeler.agent.transcripts import keep_transcript, transcript_path
from tsea.labeler.exports.formats import FORMATS
from tsea.server import opening, runs_cli
from tsea.server.cli import app
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run, Spending, SpendingKind
from tsea.tools.workbench import Workbench


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as opened:
        yield opened


@pytest.fixture
def run(records: Records) -> Run:
    return stored_run(records, mixed_labels())


def runs(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["runs", *map(str, arguments)])


def test_list_counts_each_feature_once_by_the_best_of_its_labels(records: Records, run: Run) -> None:
    stored_run(records, [], "empty", "pocket")
    records.finish(run, {"decoy_rate": 0.1})
    found = [json.loads(line) for line in runs("list", "--json").stdout.splitlines()]
    assert all(list(line) == CONTRACT["runs"]["fields"] for line in found)
    first, empty = found
    counted = {name: first[name] for name in ("run", "labeler", "features", "labelled", "no_claim", "failed")}
    assert counted == {
        **{"run": "first", "labeler": "agent", "features": 22},
        **{"labelled": 17, "no_claim": 2, "failed": 3},
    }
    assert first["decoy_rate"] == 0.1 and first["finished"] is not None
    assert (empty["features"], empty["finished"], empty["subject"]) == (0, None, "pocket")
    header, *rows = [line.split("\t") for line in runs("list").stdout.splitlines()]
    assert dict(zip(header, rows[0], strict=True))["no claim"] == "2" and len(rows) == 2


def test_list_of_no_run_says_how_one_is_made() -> None:
    listed = runs("list")
    assert listed.exit_code == 0 and "`tsea label` makes one" in listed.stdout
    assert runs("list", "--json").stdout == ""


@pytest.mark.usefixtures("run")
def test_show_adds_up_tests_cost_and_failures() -> None:
    shown = runs("show", "first", "--json")
    assert_documented("runs show", shown.stdout)
    found = json.loads(shown.stdout)
    assert found["cost"] is None and found["tokens"] is None and found["tests"] == 500
    assert found["failures"] == {"refusal": 2, "budget": 1}
    assert found["claims"] == {"specific": 18, "none": 6}
    assert {table: rows for table, rows in found["rows"].items() if rows} == {
        "labels": 25,
        "ledger": 1,
        "hypotheses": 1,
        "defined_sets": 1,
    }
    lines = runs("show", "first").stdout.splitlines()
    assert "22 features: 17 labelled, 2 without a claim, 3 failed" in lines
    assert not any("Cost" in line for line in lines)
    assert "Failed, 2: refusal" in lines and "Setting labeler: agent" in lines


def test_show_says_what_replies_cost_and_apart_what_lost_ones_can_have(records: Records, run: Run) -> None:
    def row(kind: SpendingKind, prompt: int, cost: float | None) -> Spending:
        return Spending(
            feature=3,
            model="m",
            request_hash="",
            kind=kind,
            cost=cost,
            prompt_tokens=prompt,
            completion_tokens=10,
        )

    records.spend(
        run, [row("paid", 900, 0.5), row("paid", 400, 0.25), row("paid", 80, None), row("estimated", 70, 9.0)]
    )
    found = json.loads(runs("show", "first", "--json").stdout)
    assert (found["cost"], found["tokens"], found["unpriced"], found["estimated_tokens"]) == (0.75, 1410, 1, 80)
    lines = runs("show", "first").stdout.splitlines()
    assert "Cost: 0.75 USD (1 request without a price), 1410 tokens" in lines
    assert "Sent and never answered whole: up to 80 tokens" in lines


def test_show_of_a_run_without_labels_or_stated_costs_says_no_cost(records: Records) -> None:
    stored_run(records, [], "empty")
    shown = runs("show", "empty")
    assert shown.exit_code == 0 and "Labels by claim: none" in shown.stdout and "Cost" not in shown.stdout


@pytest.mark.usefixtures("run")
def test_export_writes_says_what_is_left_out_and_does_not_overwrite(tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    done = runs("export", "first", "--format", "neuronpedia", "--out", out)
    assert (done.exit_code, done.stdout) == (0, f"Wrote 18 labels of run first to {out}\n")
    assert "Left out: 4 failed labels (refusal: 2, budget: 1, timeout: 1)." in done.stderr
    before = out.read_bytes()
    assert {json.loads(line)["layer"] for line in before.decode().splitlines()} == {"0-res-jb"}
    again = runs("export", "first", "--format", "csv", "--out", out)
    assert again.exit_code == 2 and "--force" in again.stderr and out.read_bytes() == before
    assert runs("export", "first", "--format", "csv", "--out", out, "--force").exit_code == 0
    with out.open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 25


def test_a_transcript_is_shown_to_people_and_as_it_was_sent(run: Run) -> None:
    said = [
        {"role": "system", "content": "Label."},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "get_feature", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "a ``` fence\u202e"},
    ]
    keep_transcript(run, 7, said)
    assert [json.loads(line) for line in runs("transcript", "first", "7", "--json").stdout.splitlines()] == said
    shown = runs("transcript", "first", "7").stdout
    assert "## assistant" in shown and "**get_feature**" in shown and "````" in shown and "\u202e" not in shown
    missing = runs("transcript", "first", "8")
    assert missing.exit_code == 2 and "no transcript of feature 8" in missing.stderr


@pytest.fixture
def _opened(pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Subjects that commands open are that of the tests."""
    monkeypatch.setattr(opening, "opened", lambda *_: contextlib.nullcontext(pocket_bench))


@pytest.mark.usefixtures("_opened")
def test_import_makes_a_run_and_says_what_is_not_taken(records: Records, tmp_path: Path) -> None:
    rows = [bulk_row(3, "digits"), bulk_row(3, "numbers"), bulk_row(4, "names", model="m"), bulk_row(5, "")]
    file = bulk_file(tmp_path / "a.jsonl", rows)
    done = runs("import", file, "--format", "neuronpedia", "--run", "theirs")
    assert (done.exit_code, done.stdout) == (0, "Run theirs of pocket: 2 labels of tiny/0-res, 1 failed\n")
    assert done.stderr.splitlines() == [
        "Not taken: 1 explanation of features that have an earlier one.",
        "Not taken: 1 explanation without a text.",
    ]
    chosen = runs(
        *("import", file, "--format", "neuronpedia", "--run", "one", "--explanation-model", "m", "--source"),
        *("tiny/0-res", "--json"),
    )
    found = json.loads(chosen.stdout)
    assert list(found) == CONTRACT["runs show"]["fields"] and (found["run"], found["labelled"]) == ("one", 1)
    assert [one.name for one in records.runs()] == ["theirs", "one"]


@pytest.mark.usefixtures("_opened")
def test_import_of_something_else_is_one_line_and_exit_code_2(records: Records, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("{}\n")
    done = runs("import", tmp_path / "a.jsonl", "--format", "neuronpedia", "--run", "theirs")
    assert done.exit_code == 2 and "a.jsonl, line 1: no 'modelId'" in done.stderr and records.runs() == []


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_is_there_by_name_and_in_the_help(tmp_path: Path, format_name: str) -> None:
    done = runs("export", "first", "--format", format_name, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out").exists() and done.stderr


def test_delete_takes_all_rows_of_the_run_and_no_other(records: Records, run: Run) -> None:
    other = stored_run(records, [label(1)], "other")
    keep_transcript(run, 3, [{"role": "user", "content": "hello"}])
    asked = runs("delete", "first")
    assert asked.exit_code == 2 and "25 labels, 1 kept test, 1 named set, 0 scores: add --yes" in asked.stderr
    assert len(records.labels(run)) == 25
    done = runs("delete", "first", "--yes")
    assert (done.exit_code, done.stdout) == (0, "Deleted run first: 25 labels, 1 kept test, 1 named set, 0 scores\n")
    assert set(records.sizes(run).values()) == {0}
    assert [left.name for left in records.runs()] == ["other"] and not transcript_path(run, 3).exists()
    left = {table: rows for table, rows in records.sizes(other).items() if rows}
    assert left == {"labels": 1, "ledger": 1, "hypotheses": 1, "defined_sets": 1}


@pytest.mark.parametrize(("answer", "code", "left"), [("n\n", 1, 1), ("y\n", 0, 0)])
def test_on_a_terminal_delete_asks(
    records: Records, run: Run, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    class Terminal:
        class stdin:
            isatty = staticmethod(lambda: True)

    monkeypatch.setattr(runs_cli, "sys", Terminal)
    done = CliRunner().invoke(app, ["runs", "delete", run.name], input=answer)
    assert done.exit_code == code and "for good?" in done.output
    assert len(records.runs()) == left


def test_a_deletion_that_fails_leaves_everything(records: Records, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import Delete, event

    def refuse(_connection: object, statement: object, *_: object) -> None:
        if isinstance(statement, Delete) and statement.table.name == "runs":  # type: ignore[attr-defined]
            raise RuntimeError("the last statement fails")

    before = records.sizes(run)
    event.listen(records._engine, "before_execute", refuse)
    with pytest.raises(RuntimeError, match="last statement"):
        records.delete(run)
    event.remove(records._engine, "before_execute", refuse)
    assert records.sizes(run) == before and records.runs() == [run]


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "frist"], "Did you mean first?"),
        (["delete", "frist", "--yes"], "Did you mean first?"),
        (["export", "frist", "--format", "csv", "--out", "x"], "Did you mean first?"),
        (["export", "empty", "--format", "csv", "--out", "x"], "Run empty has no labels"),
        (["export", "first", "--format", "cvs", "--out", "x"], "cvs"),
        (["export", "first", "--format", "csv", "--out", "x", "--source", "8-res-jb"], "no use for --source"),
        (["export", "first", "--format", "csv", "--out", "."], "is a folder"),
        (["list", "--db", "nonsense"], "sqlite:"),
    ],
)
def test_wrong_requests_are_refused_with_what_to_do(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    stored_run(records, [], "empty")
    refused = runs(*arguments)
    assert refused.exit_code == 2 and message in refused.stderr
    assert "Traceback" not in refused.output and not (tmp_path / "x").exists()


def test_another_database_is_read_and_every_command_has_an_example(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    with Records(url) as others:
        stored_run(others, [label(1)], "there")
    assert "there" in runs("list", "--db", url).stdout and "there" not in runs("list").stdout
    for command in runs_cli.runs.registered_commands:
        assert command.callback is not None and command.callback.__doc__
        assert re.match(r"Example: tsea runs \w+", command.epilog or "")
