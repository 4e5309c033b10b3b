"""`tsea eval score --judge` and `tsea eval compile`, against a model that the test plays."""

from __future__ import annotations

import json
from typing import Any

import fake_llm
import pytest
from contract import CONTRACT
from fake_llm import MODEL, FakeLLM, Says
from judging import answering, constant
from outcomes import label
from typer.testing import CliRunner

from tsea.server.cli import app
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run
from tsea.tools.workbench import Workbench

FEATURES = (0, 2, 4)


@pytest.fixture
def run(records: Records, opens_pocket: Workbench) -> Run:
    made = records.open_run("first", "pocket", opens_pocket.subject.hash, {"labeler": "agent", "model": MODEL})
    for feature in FEATURES:
        records.submit(made, label(feature, text=f"Text {feature}."))
    return made


def tsea(database: str, command: str, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["eval", command, "first", *arguments, "--db", database])


def with_judge(llm: FakeLLM, *arguments: str) -> tuple[str, ...]:
    return ("--judge", MODEL, "--base-url", llm.url, *arguments)


@pytest.mark.usefixtures("run")
def test_a_judge_that_says_the_same_of_everything_scores_chance_and_is_paid_once(
    database: str, records: Records
) -> None:
    with fake_llm.serve(constant(1)) as llm:
        done = tsea(database, "score", "--scorer", "detection", "--json", *with_judge(llm))
        assert done.exit_code == 0, done.output
        assert "judges labels that it wrote itself" in done.stderr
        (claimed, _) = json.loads(done.stdout)["rows"]
        assert (claimed["scorer"], claimed["value"]) == ("detection", 0.5)
        assert claimed["n"] + claimed["unscored"] == len(FEATURES) and claimed["n"] > 1
        assert claimed["controls"]["shuffled"]["lift"] == 0
        asked, counted = len(llm.seen), llm.completed()
        assert tsea(database, "score", "--scorer", "detection", *with_judge(llm)).exit_code == 0
        assert len(llm.seen) == asked, "what is on record is not asked again"
    (payer,) = [run for run in records.runs() if run.name != "first"]
    paid = records.spent(payer).total("paid")
    assert (paid.requests, paid.tokens) == (counted.replies, counted.prompt + counted.completion)
    assert records.spent(records.run("first")).total("paid").requests == 0


@pytest.mark.usefixtures("run")
def test_a_judge_that_answers_in_prose_gives_no_score(database: str) -> None:
    with fake_llm.serve([Says("I think that it fires.")]) as llm:
        done = tsea(database, "score", "--scorer", "detection", "--json", *with_judge(llm))
    (claimed, _) = json.loads(done.stdout)["rows"]
    assert (claimed["value"], claimed["n"], claimed["unscored"]) == (None, 0, len(FEATURES))
    assert sum(reason["features"] for reason in claimed["reasons"]) == len(FEATURES)
    assert any("prose" in reason["reason"] or "answer" in reason["reason"] for reason in claimed["reasons"])


@pytest.mark.usefixtures("run")
def test_two_opinions_of_a_judge_are_compared_item_by_item(database: str) -> None:
    def fires(threshold: int) -> Any:
        return answering(lambda text: int(len(text) % 4 >= threshold))

    alone = "No two judges have answered about the same labels of run first."
    for seed, threshold in ((1, 2), (2, 2), (3, 3)):
        with fake_llm.serve(fires(threshold)) as llm:
            assert (
                tsea(database, "score", "--scorer", "detection", "--seed", str(seed), *with_judge(llm)).exit_code == 0
            )
        if seed == 1:
            assert alone in tsea(database, "agreement").stderr
    found = json.loads(tsea(database, "agreement", "--json").stdout)
    assert list(found) == CONTRACT["eval agreement"]["fields"]
    same, *others = found["rows"]
    assert all(list(row) == CONTRACT["eval agreement"]["row"] for row in found["rows"]) and len(others) == 2
    assert (same["scorer"], same["alpha"], same["missing"]) == ("detection", 1.0, 0)
    assert all(row["n"] == 40 * row["labels"] and -1 < row["alpha"] < 0.9 for row in others)
    assert same["first"] != same["second"] and same["first"].startswith(MODEL)


@pytest.mark.usefixtures("run")
def test_a_dry_run_asks_nothing(database: str) -> None:
    with fake_llm.serve(constant(1)) as llm:
        found = json.loads(tsea(database, "score", "--dry-run", "--json", *with_judge(llm)).stdout)
        assert not llm.seen
    assert found["requests"] > 0 and found["prompt_tokens"] > 0 and found["cost"] is None


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scorer", "detection"), "The scorer detection asks a model: name one with --judge."),
        (("--dry-run",), "name one with --judge"),
        (("--scorer", "detective", "--judge", "m"), "Did you mean detection"),
        (("--judge", "m", "--base-url", "http://192.0.2.1/v1"), "OPENAI_API_KEY"),
        (("--judge", "m", "--scorer", "embedding", "--base-url", "http://127.0.0.1:9/v1"), "embedding model"),
    ],
)
def test_wrong_requests_say_what_to_do(database: str, arguments: tuple[str, ...], message: str) -> None:
    done = tsea(database, "score", *arguments)
    assert done.exit_code in (1, 2) and message in done.stderr and "Traceback" not in done.stderr


@pytest.mark.usefixtures("run")
def test_texts_are_compiled_into_a_run_of_their_own_that_can_be_scored(database: str, records: Records) -> None:
    def play(request: dict[str, Any]) -> Says:
        assert "Text" in request["messages"][1]["content"]
        return Says(json.dumps({"promotes": [{"suffix": "ing"}], "suppresses": [], "fires": []}))

    with fake_llm.serve(play) as llm:
        done = tsea(database, "compile", "--model", MODEL, "--base-url", llm.url)
        assert done.exit_code == 0, done.output
        assert len(llm.seen) == len(FEATURES)
    assert "first.compiled: 3 labels with token sets, 0 that name nothing testable" in done.stdout
    compiled = records.labels(records.run("first.compiled"))
    assert [one.hypotheses[0]["spec"] for one in compiled] == [{"suffix": "ing"}] * len(FEATURES)
    scored = CliRunner().invoke(app, ["eval", "score", "first.compiled", "--scorer", "output", "--db", database])
    assert scored.exit_code == 0 and "| output | claimed |" in scored.stdout


@pytest.mark.usefixtures("run")
def test_texts_that_could_not_be_compiled_are_told_and_tried_again_on_request(database: str, records: Records) -> None:
    with fake_llm.serve([Says("I would say gerunds.")]) as llm:
        failed = tsea(database, "compile", "--model", MODEL, "--base-url", llm.url, "--run", "mine")
        assert failed.exit_code == 1 and "3 failed" in failed.stdout and "Score it" not in failed.stdout
        assert "--retry failed" in failed.stderr
        again = tsea(database, "compile", "--model", MODEL, "--base-url", llm.url, "--run", "mine")
        assert again.exit_code == 1 and "3 failed" in again.stdout
    with fake_llm.serve([Says(json.dumps({"promotes": [{"suffix": "ing"}], "suppresses": [], "fires": []}))]) as llm:
        mended = ("--model", MODEL, "--base-url", llm.url, "--run", "mine", "--retry", "failed")
        done = tsea(database, "compile", *mended)
    assert done.exit_code == 0, done.output
    assert "into mine: 3 labels with token sets, 0 that name nothing testable" in done.stdout
