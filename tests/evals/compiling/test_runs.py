"""Labels of a run compiled into a run of their own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import fake_llm
import pytest
from fake_llm import MODEL, FakeLLM, Says, Status
from outcomes import failure, label, stored_run

from tsea.evals.compiling import runs
from tsea.evals.compiling.runs import compile_run, open_compiled_run
from tsea.evals.scores import EMPTY, Statement
from tsea.labeler.agent.conversation import Style
from tsea.labeler.agent.runner import RunStoppedError
from tsea.labeler.llm.cache import ReplyCache
from tsea.labeler.llm.client import LlmClient
from tsea.labeler.llm.endpoint import Endpoint
from tsea.labeler.llm.errors import UnknownModelError
from tsea.labeler.llm.retries import Retries
from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run
from tsea.tools.token_sets.spec import parse_spec

OWN = {"side": "output", "direction": "promotes", "spec": {"suffix": "own"}, "claim": "specific", "q": 0.01}


@pytest.fixture(autouse=True)
def _no_key_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as opened:
        yield opened


@pytest.fixture
def run(records: Records) -> Run:
    labels = [
        label(1, text="Promotes gerunds.", hypotheses=[OWN], confidence=0.8),
        label(2, text="Promotes nothing that can be said."),
        label(3, "no_claim", "No set passes."),
        failure(4, "refused"),
        label(5, text="garbage"),
        label(6, text="Promotes gerunds."),
    ]
    return stored_run(records, labels)


def said(request: dict[str, Any]) -> Says:
    """A model that knows gerunds and what cannot be said."""
    text = json.loads(request["messages"][1]["content"])["description"]
    if text == "garbage":
        return Says("I do not know.")
    return Says(json.dumps({"promotes": [{"suffix": "ing"}] if "gerunds" in text else []}))


def compiled(records: Records, run: Run, llm: FakeLLM, model: str = MODEL, name: str | None = None) -> Run:
    async def work() -> Run:
        cache, style = ReplyCache(), Style(model)
        endpoint = Endpoint(llm.url, connect_seconds=5, call_seconds=20)
        try:
            async with LlmClient(endpoint, retries=Retries(attempts=2, first=0.005), cache=cache) as client:
                into = open_compiled_run(records, run, style, name)
                return await compile_run(records, run, into, client, style)
        finally:
            cache.close()

    return asyncio.run(work())


def test_texts_are_compiled_and_what_labels_claimed_themselves_is_left_aside(records: Records, run: Run) -> None:
    with fake_llm.serve(said) as llm:
        made = compiled(records, run, llm)
        assert llm.completed().replies == 4  # gerunds once, what cannot be said, garbage and its repair
    found = {one.feature: one for one in records.labels(made)}
    gerunds = Statement("Promotes gerunds.", promotes=(parse_spec({"suffix": "ing"}),))
    assert Statement.of(found[1]) == Statement.of(found[6]) == gerunds
    assert Statement.of(found[2]) == Statement("Promotes nothing that can be said.")
    assert Statement.of(found[3]) == EMPTY and found[3].status == "no_claim"
    assert (found[4].status, found[4].reason) == ("failed", "refused")
    assert (found[5].status, found[5].reason, found[5].hypotheses) == ("failed", "malformed label", [])
    assert (found[1].confidence, found[1].kind, found[1].claim) == (0.8, "prediction", "none")
    assert found[1].hypotheses[0]["claim"] == "compiled" and "q" not in found[1].hypotheses[0]
    assert (made.name, made.subject_hash, made.config["of"]) == ("first.compiled", run.subject_hash, "first")
    assert made.summary == {
        **{"features": 6, "labelled": 3, "no_claim": 1, "failed": 2, "without_a_claim": 1},
        "reasons": {"refused": 1, "malformed label": 1},
    }


def test_a_run_that_was_broken_off_goes_on_where_it_stopped(
    records: Records, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_BLOCK", 1)
    with fake_llm.serve(said, faults=lambda number: Status(500) if number > 0 else None) as llm:
        with pytest.raises(RunStoppedError, match="What is compiled is kept"):
            compiled(records, run, llm)
        assert len(records.labels(records.run("first.compiled"))) == 1
        llm.faults = {}
        done = compiled(records, run, llm)
    labels = records.labels(done)
    assert [one.feature for one in labels] == [1, 2, 3, 4, 5, 6] and done.finished is not None


def test_an_unknown_model_ends_the_run_without_failed_labels(records: Records, run: Run) -> None:
    with fake_llm.serve(models=["another"]) as llm, pytest.raises(UnknownModelError):
        compiled(records, run, llm)
    assert {one.status for one in records.labels(records.run("first.compiled"))} <= {"no_claim", "failed"}
    assert all(one.feature in (3, 4) for one in records.labels(records.run("first.compiled")))


def test_another_model_or_other_labels_are_another_run(records: Records, run: Run) -> None:
    with fake_llm.serve(said, models=[MODEL, "second"]) as llm:
        compiled(records, run, llm)
        with pytest.raises(UsageError, match="model was fake-1 and is now second"):
            compiled(records, run, llm, "second")
        assert compiled(records, run, llm, "second", "by second").name == "by second"
        records.submit(run, label(7, text="Promotes gerunds, too."))
        with pytest.raises(UsageError, match="labels was"):
            compiled(records, run, llm)


def test_compiled_runs_are_compiled_on_the_same_terms(records: Records, run: Run) -> None:
    other = stored_run(records, [label(1, text="Promotes gerunds.")], "second")
    with fake_llm.serve(said) as llm:
        first, second = (compiled(records, one, llm) for one in (run, other))
    assert Statement.of(records.labels(first)[0]) == Statement.of(records.labels(second)[0])
