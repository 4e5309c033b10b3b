from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tsea.evals import excess, published
from tsea.evals.planted import report as planted_report
from tsea.evals.results import Report
from tsea.server.cli import app
from tsea.tools.errors import TseaError

REPORT = Report("excess", {"rows": [{"subject": "pocket", "excess": 0.25}]}, "| subject | excess |\n")


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The subjects that `tsea eval excess` is asked for; nothing is measured."""
    asked: list[str] = []

    def report(subjects: list[str], _progress: object) -> Report:
        asked.extend(subjects)
        return REPORT

    monkeypatch.setattr(excess, "report", report)
    return asked


def test_an_eval_prints_its_table_or_one_json_object(named: list[str]) -> None:
    table = CliRunner().invoke(app, ["eval", "excess", "pocket", "local:other"])
    assert (table.exit_code, table.stdout) == (0, REPORT.table)
    found = CliRunner().invoke(app, ["eval", "excess", "--json"])
    assert json.loads(found.stdout) == REPORT.figures
    assert named == ["pocket", "local:other", *excess.SUBJECTS]


@pytest.mark.usefixtures("named")
def test_out_writes_both_forms_into_a_folder(tmp_path: Path) -> None:
    assert CliRunner().invoke(app, ["eval", "excess", "--out", str(tmp_path / "new")]).exit_code == 0
    assert json.loads((tmp_path / "new" / "excess.json").read_text()) == REPORT.figures
    assert (tmp_path / "new" / "excess.md").read_text() == REPORT.table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gpu"], "No speed case is named like 'gpu'"),
        (["--features", "0"], "needs at least 1 feature, got 0"),
    ],
)
def test_wrong_speed_cases_give_one_line_and_exit_code_2(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["eval", "speed", *arguments])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ") and message in line


def test_published_cases_without_the_weights_are_one_line_and_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_name: str) -> None:
        raise TseaError("The hub cannot be reached and the files are not cached.")

    monkeypatch.setattr(published, "open_subject", unreachable)
    done = CliRunner().invoke(app, ["eval", "published"])
    assert done.exit_code == 1
    assert done.stderr == "Error: The hub cannot be reached and the files are not cached.\n"


def test_planted_passes_its_options_on_and_asks_a_model_only_where_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, bool, dict[str, object]]] = []

    def report(name: str, labeler: object, **options: object) -> Report:
        asked.append((name, labeler is not None, options))
        return REPORT

    monkeypatch.setattr(planted_report, "report", report)
    done = CliRunner().invoke(app, ["eval", "planted", "--features", "60", "--background", "isotropic", "--json"])
    assert json.loads(done.stdout) == REPORT.figures
    model = ["--labeler", "one-shot", "--model", "m", "--base-url", "http://127.0.0.1:9"]
    assert CliRunner().invoke(app, ["eval", "planted", *model]).exit_code == 0
    (rule, no_model, options), (name, with_model, others) = asked
    assert (rule, no_model, name, with_model) == ("statistical", False, "one-shot", True)
    assert (options["features"], options["backgrounds"]) == (60, ("isotropic",))
    assert others["backgrounds"] == ("isotropic", "dictionary") and others["subject"] == "pocket"


def test_planted_without_a_model_names_the_labelers_that_need_none() -> None:
    done = CliRunner().invoke(app, ["eval", "planted", "--labeler", "agent"])
    assert done.exit_code == 2 and "asks a language model: name one with --model" in done.stderr
