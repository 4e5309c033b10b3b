"""`tsea eval score` and the tool score_label, on the bundled subject with a small index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from contract import CONTRACT
from outcomes import failure, label
from typer.testing import CliRunner

from tsea.evals.toolbox import EVAL_TOOLS
from tsea.labeler.agent.case import TOOLS
from tsea.labeler.toolbox import LABEL_TOOLS
from tsea.server.cli import app
from tsea.tools.errors import UsageError
from tsea.tools.investigation import Investigation
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run
from tsea.tools.workbench import Workbench

OUTPUT = {"side": "output", "direction": "promotes", "spec": {"suffix": "ing"}, "claim": "specific"}
INPUT = {"side": "input", "direction": "fires", "spec": {"token": {"suffix": "ing"}}}


@pytest.fixture
def run(records: Records, opens_pocket: Workbench) -> Run:
    made = records.open_run("first", "pocket", opens_pocket.subject.hash, {"labeler": "made up"})
    for feature in range(0, 24, 2):
        records.submit(made, label(feature, hypotheses=[OUTPUT, INPUT]))
    for one in (label(1, "no_claim", ""), failure(3, "timeout")):
        records.submit(made, one)
    return made


def score(database: str, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["eval", "score", *arguments, "--db", database])


@pytest.mark.usefixtures("run")
def test_scores_are_a_table_or_one_json_object_that_keeps_the_contract(database: str, tmp_path: Path) -> None:
    chosen = ("--scorer", "output", "--scorer", "input")
    table = score(database, "first", *chosen, "--out", str(tmp_path / "out"))
    assert table.exit_code == 0, table.output
    assert table.stdout.startswith("| scorer | over | score | chance | lift over ")
    assert "label failed: timeout" in table.stdout
    found = json.loads(score(database, "first", *chosen, "--json").stdout)
    assert found == json.loads((tmp_path / "out" / "score.json").read_text())
    assert list(found) == CONTRACT["eval score"]["fields"]
    assert [(row["scorer"], row["over"]) for row in found["rows"]] == [
        *(("output", "claimed"), ("output", "all"), ("input", "claimed"), ("input", "all"))
    ]
    assert all(list(row) == CONTRACT["eval score"]["row"] for row in found["rows"])
    shuffled = found["rows"][0]["controls"]["shuffled"]
    assert list(shuffled) == CONTRACT["eval score"]["control"]
    # All say the same, so another's label is as good.
    assert (shuffled["lift"], shuffled["lift_low"], shuffled["lift_high"]) == (0, 0, 0)


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("frist",), "Did you mean first?"),
        (("first", "--scorer", "outputs"), "No scorer 'outputs'. Did you mean output"),
        (("first", "--scorer", "gpt"), "Scorers: output, input, next-token, causal, detection"),
    ],
)
def test_wrong_requests_are_one_line_with_what_to_do(database: str, arguments: tuple[str, ...], message: str) -> None:
    done = score(database, *arguments)
    assert done.exit_code == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1


def test_runs_of_texts_alone_and_without_labels_say_what_to_do(
    records: Records, run: Run, database: str, tmp_path: Path
) -> None:
    imported = records.open_run("theirs", "pocket", run.subject_hash, {"labeler": "imported"})
    for feature in range(6):
        records.submit(imported, label(feature, text=f"Text {feature}."))
    done = score(database, "theirs", "--scorer", "output")
    assert done.exit_code == 1 and "6 features unscored, the run has texts alone" in done.stdout
    assert "tsea eval compile theirs --model MODEL" in done.stdout
    records.open_run("payer", "pocket", run.subject_hash, {"scores of": "first"})
    refused = score(database, "payer")
    assert refused.exit_code == 2 and "holds what judging run first cost" in refused.stderr
    (tmp_path / "file").write_text("")
    nowhere = score(database, "first", "--out", str(tmp_path / "file" / "folder"))
    assert nowhere.exit_code == 2 and "Cannot make the folder" in nowhere.stderr and not nowhere.stdout


def test_a_run_of_another_subject_is_refused(records: Records, run: Run, database: str) -> None:
    records.open_run("other", "pocket-random", "another hash", {})
    done = score(database, "other")
    assert done.exit_code == 2 and "is not the same subject here" in done.stderr


@pytest.mark.usefixtures("run")
def test_a_subject_without_an_index_says_how_to_make_one(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSEA_HOME", str(tmp_path / "empty"))
    monkeypatch.setattr("tsea.tools.activations.indexing.has_bundled_text", lambda _: False)
    done = score(database, "first", "--scorer", "input")
    assert done.exit_code == 2 and "tsea index --corpus FILES --subject pocket" in done.stderr


@pytest.fixture
def investigation(records: Records, run: Run, pocket_bench: Workbench) -> Investigation:
    return Investigation(["pocket"], run="first", opener=lambda _: pocket_bench, records=records)


def test_a_label_is_scored_once_beside_its_controls(investigation: Investigation, records: Records, run: Run) -> None:
    (tool,) = EVAL_TOOLS
    one = next(found for found in records.labels(run) if found.feature == 4)
    answer = tool(investigation, {"label": one.id})
    scores = {row["scorer"]: row for row in answer.data["scores"]}
    assert set(scores) == {"output", "input", "next-token"} and len(answer.text) < 2000
    assert scores["output"]["controls"].keys() == {"empty", "everything", "shuffled", "similar density"}
    assert scores["output"]["controls"]["everything"] == 0.5
    written = records.sizes(run)["scores"]
    assert tool(investigation, {"label": one.id}).data == answer.data and records.sizes(run)["scores"] == written


def test_a_label_without_claims_earns_chance_and_a_failed_one_nothing(
    investigation: Investigation, records: Records, run: Run
) -> None:
    (tool,) = EVAL_TOOLS
    ids = {found.feature: found.id for found in records.labels(run)}
    output = tool(investigation, {"label": ids[1]}).data["scores"][0]
    assert output["abstained"] and output["value"] == 0.5
    assert tool(investigation, {"label": ids[3]}).data["scores"][0]["unscored"] == "label failed: timeout"
    with pytest.raises(UsageError, match="No label 999"):
        tool(investigation, {"label": 999})


def test_labeling_agents_are_never_given_scores() -> None:
    assert "score_label" not in {tool.name for tool in (*LABEL_TOOLS, *TOOLS)}
