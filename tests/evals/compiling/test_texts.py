"""One text compiled by a model that the tests play."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import fake_llm
import pytest
from fake_llm import MODEL, FakeLLM, Says, Status

from tsea.evals.compiling.texts import PROMPT, compile_text, read_statement, resolvable
from tsea.evals.scores import Statement
from tsea.labeler.agent.conversation import Style
from tsea.labeler.agent.outcome import FailedError
from tsea.labeler.llm.cache import ReplyCache
from tsea.labeler.llm.client import LlmClient
from tsea.labeler.llm.endpoint import Endpoint
from tsea.labeler.llm.errors import UnknownModelError
from tsea.labeler.llm.retries import Retries
from tsea.labeler.llm.spending import Budget, BudgetError, Spending
from tsea.tools.errors import UsageError
from tsea.tools.inputs.spec import parse_input_spec
from tsea.tools.token_sets.spec import parse_spec
from tsea.tools.workbench import Workbench

GERUNDS = json.dumps({"promotes": [{"suffix": "ing"}], "fires": [{"previous": "pos.IN", "within": 2}]})
STATEMENT = Statement(
    "Promotes gerunds after prepositions.",
    promotes=(parse_spec({"suffix": "ing"}),),
    fires=(parse_input_spec({"previous": "pos.IN", "within": 2}),),
)


@pytest.fixture(autouse=True)
def _no_key_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ReplyCache]:
    opened = ReplyCache(tmp_path / "replies")
    yield opened
    opened.close()


def compiled(
    llm: FakeLLM, *texts: str, cache: ReplyCache | None = None, bench: Workbench | None = None
) -> list[object]:
    """The statements of texts, or what was raised."""

    async def ask() -> list[object]:
        endpoint, style = Endpoint(llm.url, connect_seconds=5, call_seconds=20), Style(MODEL)
        async with LlmClient(endpoint, retries=Retries(attempts=2, first=0.005), cache=cache) as client:
            check = {} if bench is None else {"check": resolvable(bench)}
            asked = (compile_text(text, client, style, **check) for text in texts)
            return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(ask())


def test_the_model_sees_the_languages_and_the_text_and_nothing_else() -> None:
    with fake_llm.serve([Says(f"```json\n{GERUNDS}\n```")]) as llm:
        assert compiled(llm, STATEMENT.text) == [STATEMENT]
    (seen,) = llm.seen
    assert seen.body["messages"] == [
        {"role": "system", "content": PROMPT},
        {"role": "user", "content": json.dumps({"description": STATEMENT.text})},
    ]
    assert seen.feature is None and '"variants"' in PROMPT and '"within"' in PROMPT


def test_a_text_is_compiled_once(cache: ReplyCache) -> None:
    with fake_llm.serve([Says(GERUNDS)]) as llm:
        first = compiled(llm, STATEMENT.text, STATEMENT.text, cache=cache)
        assert first == compiled(llm, STATEMENT.text, cache=cache) * 2 == [STATEMENT] * 2
        assert llm.completed().replies == 1
        compiled(llm, "Another text.", cache=cache)
        assert llm.completed().replies == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (Says("I think it promotes gerunds."), "no JSON object"),
        (Says('{"promotes": [{"suffx": "ing"}]}'), "unknown key 'suffx'"),
        (Says('{"promotes": {"suffix": "ing"}}'), "promotes is a list"),
        (Says('{"feature": 7}'), "no 'feature'"),
        (Says('{"fires": [{"words": [" a"]}]}'), "Say where the set stands"),
        (Says('{"fires": [3]}'), "fires holds JSON objects only"),
        (Says('{"promotes": [', finish="length"), "cut off"),
    ],
)
def test_what_cannot_be_read_is_repaired_once(wrong: Says, told: str) -> None:
    with fake_llm.serve([wrong, Says(GERUNDS)]) as llm:
        assert compiled(llm, STATEMENT.text) == [STATEMENT]
    last = llm.seen[1].body["messages"][-1]
    assert last["role"] == "user" and told in last["content"]


def test_what_cannot_be_read_twice_is_a_failure_of_the_text() -> None:
    with fake_llm.serve([Says("no")]) as llm:
        (error,) = compiled(llm, "x")
    assert isinstance(error, FailedError) and error.reason == "malformed label" and len(llm.seen) == 2


def test_sets_that_are_not_there_are_repaired(pocket_bench: Workbench) -> None:
    unknown = [
        Says('{"promotes": [{"library": "pos.NOTHING"}]}'),
        Says('{"fires": [{"text": "(unclosed"}]}'),
        Says('{"fires": [{"token": "pos.NOTHING"}]}'),
    ]
    for wrong in unknown:
        with fake_llm.serve([wrong, Says(GERUNDS)]) as llm:
            assert compiled(llm, STATEMENT.text, bench=pocket_bench) == [STATEMENT]


def test_refusals_are_failures_of_the_text_and_unknown_models_of_everything() -> None:
    with fake_llm.serve([Says("", refusal="I will not.")]) as llm:
        (error,) = compiled(llm, "x")
        assert isinstance(error, FailedError) and error.reason == "refused"
    with fake_llm.serve(models=["another"]) as llm:
        (error,) = compiled(llm, "x")
        assert isinstance(error, UnknownModelError)
    with fake_llm.serve(faults={0: Status(500), 1: Status(500)}) as llm:
        (error,) = compiled(llm, "x")
        assert isinstance(error, FailedError) and error.reason == "unreachable"


def test_a_budget_holds() -> None:
    async def ask(llm: FakeLLM) -> None:
        spending = Spending(per_run=Budget(max_tokens=100))
        async with LlmClient(Endpoint(llm.url), spending=spending) as client:
            await compile_text("x", client, Style(MODEL))

    with fake_llm.serve() as llm:
        with pytest.raises(BudgetError):
            asyncio.run(ask(llm))
        assert llm.seen == []


def test_specifications_may_be_json_text_or_names_and_empty_lists_claim_nothing() -> None:
    said = {"promotes": ['{"suffix": "ing"}', "pos.CD"], "suppresses": [], "fires": ['{"next": "pos.CD"}']}
    found = read_statement("t", said)
    assert [spec.canonical() for spec in found.promotes] == [{"suffix": "ing"}, {"library": "pos.CD"}]
    assert found.fires == (parse_input_spec({"next": "pos.CD"}),)
    assert read_statement("t", {}) == Statement("t")
    with pytest.raises(UsageError, match="at most 6"):
        read_statement("t", {"promotes": ["pos.CD"] * 7})
