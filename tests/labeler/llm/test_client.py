"""The client against a real server on loopback: what is tried again, what it costs, and what never leaks."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import fake_llm
import pytest
from fake_llm import MODEL, Call, FakeLLM, Malformed, Reset, Says, Silent, Slow, Status, Truncated

from tsea.labeler.llm.cache import ReplyCache
from tsea.labeler.llm.client import LlmClient
from tsea.labeler.llm.connection import FEATURE_HEADER
from tsea.labeler.llm.endpoint import Endpoint
from tsea.labeler.llm.errors import (
    LlmError,
    LlmTimeoutError,
    MalformedReplyError,
    NoKeyError,
    NoServerError,
    NoToolCallingError,
    RateLimitedError,
    RefusedError,
    UnknownModelError,
    UnreachableError,
)
from tsea.labeler.llm.limits import Limits
from tsea.labeler.llm.messages import Reply, Request, ToolCall, Usage
from tsea.labeler.llm.payments import Recorded
from tsea.labeler.llm.prices import Price, Prices
from tsea.labeler.llm.retries import Retries
from tsea.labeler.llm.spending import Budget, BudgetError, Spending
from tsea.tools.errors import TseaError, UsageError

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
PRICES = Prices({MODEL: Price(prompt=1.0, completion=10.0)})


def request(text: str = "hi", **more: Any) -> Request:
    return Request(MODEL, [{"role": "user", "content": text}], **more)


def asked(
    llm: FakeLLM | str,
    requests: Iterable[Request] = (request(),),
    *,
    attempts: int = 6,
    call_seconds: float = 20.0,
    **parts: Any,
) -> list[Reply | BaseException]:
    """What comes of requests made at once, for the features 0, 1, ... in turn."""
    url = llm if isinstance(llm, str) else llm.url

    async def work() -> list[Reply | BaseException]:
        endpoint = Endpoint(url, connect_seconds=5.0, call_seconds=call_seconds)
        retries = Retries(attempts=attempts, first=0.001, seed=0)
        async with LlmClient(endpoint, retries=retries, **parts) as client:
            tasks = [client.complete(one, feature) for feature, one in enumerate(requests)]
            return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(work())


def reply(outcomes: Sequence[Reply | BaseException]) -> Reply:
    (outcome,) = outcomes
    assert isinstance(outcome, Reply), outcome
    return outcome


def error(outcomes: Sequence[Reply | BaseException]) -> LlmError:
    (outcome,) = outcomes
    assert isinstance(outcome, LlmError), outcome
    return outcome


def test_a_conversation_with_tools_goes_over_the_wire_and_back(key: str) -> None:
    says = [Says("I look.", [Call("f", {"a": 1}), Call("g", "{no JSON")]), Says("Done.", finish="length", cached=3)]
    with fake_llm.serve(says) as llm:
        spending = Spending()
        first = reply(asked(llm, [request(tools=[TOOL], temperature=0.0, seed=1)], spending=spending))
        assert first.text == "I look." and first.finish_reason == "tool_calls"
        assert first.tool_calls == (ToolCall("call_0_0", "f", '{"a": 1}'), ToolCall("call_0_1", "g", "{no JSON"))
        result = {"role": "tool", "tool_call_id": "1", "content": ""}
        messages = [{"role": "user", "content": "hi"}, first.message, result]
        second = reply(asked(llm, [Request(MODEL, messages)], spending=spending))
        assert llm.seen[1].body["messages"] == messages
        assert second.cut_off and second.usage.cached == 3
        assert llm.seen[0].body == request(tools=[TOOL], temperature=0.0, seed=1).body
        assert llm.seen[0].headers["authorization"] == f"Bearer {key}"
        assert llm.seen[0].headers[FEATURE_HEADER.lower()] == "0" and llm.seen[0].feature == "0"
        assert llm.seen[0].headers["content-type"] == "application/json"
        assert first.usage + second.usage == Usage(llm.completed().prompt, llm.completed().completion, 3)


PASSING = {
    "429": Status(429),
    "408": Status(408),
    "409": Status(409),
    "500": Status(500),
    "503": Status(503, "busy"),
    "reset": Reset(),
    "truncated": Truncated(),
    "malformed": Malformed(),
    "empty": Malformed(""),
    "error inside": Malformed('{"error": {"code": 502, "message": "upstream"}}'),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_may_pass_is_tried_again_until_it_does(fault: fake_llm.Fault) -> None:
    with fake_llm.serve(faults={0: fault, 1: fault}) as llm:
        assert reply(asked(llm)).text == "ok"
        assert len(llm.seen) == 3


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(429), RateLimitedError),
        (Status(500), UnreachableError),
        (Reset(), UnreachableError),
        (Truncated(), UnreachableError),
        (Malformed(), MalformedReplyError),
    ],
)
def test_what_does_not_pass_is_an_error_after_the_last_attempt(fault: fake_llm.Fault, kind: type[LlmError]) -> None:
    with fake_llm.serve(faults=lambda number: fault) as llm:
        assert type(error(asked(llm, attempts=3))) is kind
        assert len(llm.seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    with fake_llm.serve(faults={0: Status(status)}) as llm:
        error(asked(llm))
        assert len(llm.seen) == 1


def test_a_slow_reply_is_waited_for_and_costs_once() -> None:
    with fake_llm.serve(faults={0: Slow(0.5)}) as llm:
        spending = Spending()
        assert reply(asked(llm, spending=spending)).text == "ok"
        assert len(llm.seen) == llm.completed().replies == spending.run.all.requests == 1


@pytest.mark.parametrize("fault", [Silent(), Slow(60.0, pieces=600)], ids=["silent", "drop by drop"])
def test_a_reply_that_takes_too_long_is_given_up_and_asked_again(fault: fake_llm.Fault) -> None:
    with fake_llm.serve(faults={0: fault}) as llm:
        recorded = Recorded()
        assert reply(asked(llm, call_seconds=0.5, spending=Spending(recorder=recorded))).text == "ok"
        assert [(one.outcome, one.estimated) for one in recorded.payments] == [("timeout", True), ("complete", False)]
    with fake_llm.serve(faults=lambda number: fault) as llm:
        found = error(asked(llm, attempts=2, call_seconds=0.3))
        assert isinstance(found, LlmTimeoutError) and found.reason == "timeout"
        assert "in 0.3 seconds: give more time" in str(found) and len(llm.seen) == 2


def test_retry_after_holds_everybody() -> None:
    with fake_llm.serve(faults={0: Status(429, retry_after="1")}) as llm:

        async def work() -> None:
            async with LlmClient(Endpoint(llm.url), retries=Retries(first=0.001)) as client:
                first = asyncio.create_task(client.complete(request("first")))
                while not llm.seen:
                    await asyncio.sleep(0.001)
                await asyncio.sleep(0.1)
                await asyncio.gather(first, *[client.complete(request(f"later {k}")) for k in range(5)])

        asyncio.run(work())
        assert len(llm.seen) == 7
        assert all(one.came - llm.seen[0].came >= 1.0 for one in llm.seen[1:])


def test_what_replies_count_corrects_estimates_and_limits() -> None:
    with fake_llm.serve([Says("ok", usage=(40, 10))]) as llm:

        async def work() -> tuple[int, int]:
            limits = Limits(tokens_per_minute=1500)  # room for one request as estimated, for all as counted
            async with LlmClient(Endpoint(llm.url), limits=limits) as client:
                before = client.most(request("word " * 40)).prompt
                for number in range(8):
                    await client.complete(request(f"{number} " + "word " * 40, max_tokens=800))
                return before, client.most(request("word " * 40)).prompt

        begun = time.monotonic()
        before, after = asyncio.run(work())
        assert time.monotonic() - begun < 30
        assert before > after > 40  # on its way from the first guess to what was counted


def test_limits_hold_over_the_wire() -> None:
    with fake_llm.serve(latency=0.02) as llm:
        asked(llm, [request(str(k)) for k in range(20)], limits=Limits(3))
        assert llm.most_at_once == 3


def test_sixty_four_requests_run_at_once() -> None:
    with fake_llm.serve(latency=1.0) as llm:
        assert all(
            isinstance(one, Reply) for one in asked(llm, [request(str(k)) for k in range(64)], limits=Limits(64))
        )
        assert llm.most_at_once == 64


def test_a_server_without_tools_is_told_so_that_the_caller_can_do_without() -> None:
    body = {"error": {"message": "registry.ollama.ai/library/gemma:2b does not support tools"}}
    with fake_llm.serve(faults={0: Status(400, body)}) as llm:
        found = error(asked(llm, [request(tools=[TOOL])]))
        assert isinstance(found, NoToolCallingError) and "Ask for an answer in JSON" in str(found)
        assert reply(asked(llm, [request(response_format={"type": "json_object"})])).text == "ok"


def test_a_model_that_the_server_does_not_know_is_told() -> None:
    with fake_llm.serve(models=["another"]) as llm:
        assert isinstance(error(asked(llm)), UnknownModelError)
        assert len(llm.seen) == 1


def test_a_wrong_base_url_is_told() -> None:
    with fake_llm.serve() as llm:
        found = error(asked(llm.url.removesuffix("/v1")))
        assert isinstance(found, NoServerError) and "most end in /v1" in str(found)
    gone = error(asked(llm, attempts=2))
    assert isinstance(gone, NoServerError) and f"Cannot reach {llm.url}" in str(gone)


def test_without_a_key_no_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(NoKeyError, match="set the environment variable OPENAI_API_KEY"):
        LlmClient(Endpoint())


@pytest.mark.parametrize("says", [Says(refusal="I will not."), Says("half", finish="content_filter")])
def test_a_refusal_is_an_error_that_costs_what_was_counted(says: Says, tmp_path: Path) -> None:
    with fake_llm.serve([says, Says("ok")]) as llm:
        spending, cache = Spending(), ReplyCache(tmp_path / "cache")
        assert isinstance(error(asked(llm, spending=spending, cache=cache)), RefusedError)
        assert len(llm.seen) == 1
        counted = spending.run.counted
        assert (counted.requests, counted.usage.prompt, counted.usage.completion) == (1, *llm.seen[0].usage)
        assert reply(asked(llm, cache=cache)).text == "ok"  # a refusal is not kept


@pytest.mark.parametrize(
    ("code", "name", "sent"), [("unsupported_parameter", "max_tokens", 64), ("unsupported_value", "temperature", None)]
)
def test_what_a_model_does_not_take_is_said_otherwise_from_then_on(code: str, name: str, sent: int | None) -> None:
    body = {"error": {"message": "Unsupported", "code": code, "param": name}}
    with fake_llm.serve(faults={0: Status(400, body)}) as llm:
        asked(llm, [request(max_tokens=64, temperature=0.5)])
        assert name in llm.seen[0].body and name not in llm.seen[1].body
        assert llm.seen[1].body.get("max_completion_tokens") == sent
        assert len(llm.seen) == 2
    with fake_llm.serve(faults=lambda number: Status(400, body)) as llm:
        assert error(asked(llm, [request(temperature=0.5)])).reason == "rejected"
        assert len(llm.seen) == 2


def test_a_reply_that_counts_no_tokens_is_estimated_and_kept_apart() -> None:
    with fake_llm.serve([Says("x" * 400, counted=False)]) as llm:
        spending = Spending()
        found = reply(asked(llm, spending=spending))
        assert found.estimated and found.usage.completion == 100
        assert spending.run.estimated.usage == found.usage and spending.run.counted.requests == 0


def test_the_same_request_is_paid_once(tmp_path: Path) -> None:
    with fake_llm.serve(latency=0.05) as llm:
        spending, cache = Spending(), ReplyCache(tmp_path / "cache")
        replies = asked(llm, [request()] * 5, spending=spending, cache=cache)
        again = asked(llm, [request(), request("other")], spending=spending, cache=cache)
        assert [one.cached for one in (*replies, *again) if isinstance(one, Reply)] == [False] + [True] * 5 + [False]
        assert llm.completed().replies == len(llm.seen) == spending.run.all.requests == 2
    with fake_llm.serve() as another:
        assert not reply(asked(another, cache=cache)).cached  # a server of the same model is another one


def test_whoever_gives_up_leaves_the_place_free_and_what_it_may_cost_recorded() -> None:
    with fake_llm.serve(faults={0: Silent()}) as llm:

        async def work() -> Spending:
            spending = Spending(per_run=Budget(max_tokens=5000))
            async with LlmClient(Endpoint(llm.url), limits=Limits(1), spending=spending) as client:
                task = asyncio.create_task(client.complete(request("given up")))
                while not llm.seen:
                    await asyncio.sleep(0.001)
                task.cancel()
                await asyncio.wait([task])
                await client.complete(request())
            return spending

        spending = asyncio.run(work())
        assert (spending.run.estimated.requests, spending.run.counted.requests) == (1, 1)


def secrets_in(found: BaseException, seen: set[int]) -> str:
    """Everything that an error carries, and the errors it came from."""
    if id(found) in seen:
        return ""
    seen.add(id(found))
    below = [one for one in (found.__cause__, found.__context__) if one is not None]
    return " ".join([repr(found), repr(vars(found)), *(secrets_in(one, seen) for one in below)])


def test_the_key_is_in_no_error_no_log_and_no_cache(
    key: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    echo = {"error": {"message": f"wrong: Bearer {key}", "code": f"{key}"}}
    faults = {number: Status(status, echo) for number, status in enumerate([400, 401, 403, 404, 422, 429, 500])}
    faults |= {7: Malformed(json.dumps(echo)), 8: Reset(), 9: Truncated()}
    caplog.set_level(logging.DEBUG)
    recorded, cache = Recorded(), ReplyCache(tmp_path / "cache")
    with fake_llm.serve(lambda body: Says(refusal=f"never {key}"), faults=faults) as llm:
        parts: dict[str, Any] = {"attempts": 1, "cache": cache, "spending": Spending(recorder=recorded)}
        errors = [error(asked(llm, **parts)) for _ in range(11)]
        assert all(one.headers["authorization"] == f"Bearer {key}" for one in llm.seen) and len(llm.seen) == 11
    with fake_llm.serve() as llm:
        assert reply(asked(llm, cache=cache)).text == "ok"
    told = "".join(secrets_in(one, set()) for one in errors)
    assert "***" in told and key not in told
    assert all(one.__context__ is None and one.__cause__ is None for one in errors)  # these would hold the request
    assert "tsea" in caplog.text or "openai" in caplog.text
    assert key not in caplog.text
    assert key not in "".join(capfd.readouterr())
    assert key not in repr(recorded.payments)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files and all(key.encode() not in file.read_bytes() for file in files)


def test_the_ledger_is_the_servers_own_count_through_a_storm() -> None:
    def play(body: dict[str, Any]) -> Says:
        number = int(body["messages"][0]["content"].split()[1])
        return [Says("word " * (number % 7)), Says(calls=[Call("f", "{")]), Says(refusal="no")][number % 3]

    requests = [request(f"feature {k} " + "text " * (k % 11)) for k in range(200)]
    with fake_llm.serve(play, faults=fake_llm.storm(1, share=0.4)) as llm:
        recorded = Recorded()
        spending = Spending(PRICES, recorder=recorded)
        outcomes = asked(llm, requests, spending=spending, limits=Limits(32))
        assert all(isinstance(one, Reply | LlmError) for one in outcomes) and len(outcomes) == 200
        assert sum(isinstance(one, RefusedError) for one in outcomes) >= 60
        told, counted = llm.completed(), spending.run.counted
        assert (counted.requests, counted.usage.prompt, counted.usage.completion) == (
            told.replies,
            told.prompt,
            told.completion,
        )
        assert counted.cost == pytest.approx((told.prompt + 10 * told.completion) / 1e6)
        for feature in range(200):
            usage, own = spending.feature(feature).counted.usage, llm.completed(feature)
            assert (usage.prompt, usage.completion) == (own.prompt, own.completion)
        kinds = {type(one.fault) for one in llm.seen}
        assert kinds == {type(None), Status, Reset, Truncated, Malformed, Slow}
        broken = sum(isinstance(one.fault, Reset | Truncated | Malformed) for one in llm.seen)
        assert spending.run.estimated.requests == broken > 20
        assert len(recorded.payments) == counted.requests + broken
        assert {one.outcome for one in recorded.payments if one.estimated} == {"unreachable", "malformed reply"}


@pytest.mark.parametrize("concurrency", [1, 8, 32])
def test_a_budget_is_never_exceeded_through_a_storm(concurrency: int) -> None:
    budget = 0.05  # USD; a request may cost 0.001 at most, and costs less
    with fake_llm.serve([Says("word " * 20)], faults=fake_llm.storm(2)) as llm:
        spending = Spending(PRICES, per_run=Budget(max_cost=budget))
        requests = [request(f"{k}", max_tokens=100) for k in range(400)]
        outcomes = asked(llm, requests, spending=spending, limits=Limits(concurrency))
        stopped = sum(isinstance(one, BudgetError) for one in outcomes)
        told = llm.completed()
        assert 0 < stopped < 400
        assert budget - 0.0012 < spending.run.all.cost <= budget
        assert (told.prompt + 10 * told.completion) / 1e6 <= budget


def test_one_features_budget_stops_it_alone() -> None:
    with fake_llm.serve([Says("ok", usage=(500, 100))]) as llm:

        async def work() -> list[Reply | TseaError]:
            spending, outcomes = Spending(per_feature=Budget(max_tokens=2000)), []
            async with LlmClient(Endpoint(llm.url), spending=spending) as client:
                for feature in (1, 1, 1, 1, 2):
                    try:
                        outcomes.append(await client.complete(request(max_tokens=300), feature))
                    except TseaError as stop:
                        outcomes.append(stop)
            return outcomes

        outcomes = asyncio.run(work())
        assert [type(one) for one in outcomes] == [Reply, Reply, Reply, BudgetError, Reply]
        assert (llm.completed(1).replies, llm.completed("2").replies) == (3, 1)


def test_a_budget_in_usd_needs_a_price_before_anything_is_sent() -> None:
    with fake_llm.serve() as llm:
        (found,) = asked(llm, spending=Spending(per_run=Budget(max_cost=1.0)))
        assert isinstance(found, UsageError) and not llm.seen


def test_a_storm_does_not_hold_the_event_loop() -> None:
    delays: list[float] = []

    async def watch() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.005)
            delays.append(time.perf_counter() - begun - 0.005)

    async def work(url: str) -> None:
        async with LlmClient(Endpoint(url), limits=Limits(32)) as client:
            watcher = asyncio.create_task(watch())
            for _ in range(3):
                await asyncio.gather(*[client.complete(request(f"{k}", tools=[TOOL] * 20)) for k in range(32)])
            watcher.cancel()

    with fake_llm.serve(latency=0.2) as llm:
        asyncio.run(work(llm.url))
    assert sorted(delays)[len(delays) // 2] < 0.05
