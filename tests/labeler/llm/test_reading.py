from __future__ import annotations

import json
from typing import Any

import pytest

from tsea.labeler.llm.errors import MalformedReplyError, RateLimitedError, RefusedError
from tsea.labeler.llm.faults import Failure, Server
from tsea.labeler.llm.messages import Reply, ToolCall, Usage
from tsea.labeler.llm.reading import understood

SERVER = Server("http://host/v1", "m", "OPENAI_API_KEY", "sk-secret")
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}


def body(message: Any, finish: Any = "stop", **more: Any) -> bytes:
    return json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": finish}]} | more).encode()


def calls(*functions: Any) -> dict[str, Any]:
    return {"content": None, "tool_calls": [{"id": f"c{k}", "function": f} for k, f in enumerate(functions)]}


def reply(content: bytes) -> Reply:
    outcome, _ = understood(SERVER, content)
    assert isinstance(outcome, Reply), outcome
    return outcome


def failure(content: bytes) -> tuple[Failure, Usage | None]:
    outcome, usage = understood(SERVER, content)
    assert isinstance(outcome, Failure), outcome
    return outcome, usage


def test_text_calls_and_tokens_are_read() -> None:
    assert reply(body({"content": "hi"}, usage=USAGE)) == Reply("hi", (), "stop", Usage(10, 5, 4))
    read = reply(body(calls({"name": "f", "arguments": '{"a":'}, {"name": "g", "arguments": ""}), "tool_calls"))
    assert read.tool_calls == (ToolCall("c0", "f", '{"a":'), ToolCall("c1", "g", ""))
    assert read.finish_reason == "tool_calls"
    assert reply(body({"content": "cut"}, "length")).cut_off


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (body(calls({"name": "f", "arguments": {"a": 1}})), ToolCall("c0", "f", '{"a": 1}')),
        (body(calls({"name": "f"})), ToolCall("c0", "f", "{}")),
        (
            body({"tool_calls": [{"id": "", "function": {"name": "f", "arguments": "{}"}}]}),
            ToolCall("call_0", "f", "{}"),
        ),
    ],
    ids=["arguments as an object", "no arguments", "no id"],
)
def test_liberties_that_servers_take_with_calls_are_understood(content: bytes, expected: ToolCall) -> None:
    assert reply(content).tool_calls == (expected,)


def test_a_reply_without_a_finish_reason_has_the_one_that_follows() -> None:
    assert reply(body({"content": "hi"}, None)).finish_reason == "stop"
    assert reply(body(calls({"name": "f"}), None)).finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"prompt_tokens": 1}, {"prompt_tokens": -1, "completion_tokens": 1}, {"prompt_tokens": "1"}, [1]],
)
def test_tokens_that_were_not_counted_are_none(usage: Any) -> None:
    outcome, counted = understood(SERVER, body({"content": "hi"}, usage=usage))
    assert isinstance(outcome, Reply) and counted is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"choices": [{"mess',
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"choices": []}',
        b'{"choices": [1]}',
        b'{"choices": [{"message": null}]}',
        body({"content": 5}),
        body({"content": "a"}, "error"),
        body({"content": None, "tool_calls": "f"}),
        body({"content": None, "tool_calls": ["f"]}),
        body(calls({"arguments": "{}"})),
        body(calls({"name": None})),
        b'{"error": "out of memory"}',
    ],
)
def test_what_is_no_completion_is_malformed_and_may_be_tried_again(content: bytes) -> None:
    found, usage = failure(content)
    assert isinstance(found.error, MalformedReplyError) and found.error.reason == "malformed reply"
    assert (found.again, found.charged, usage) == (True, True, None)
    assert "http://host/v1" in str(found.error) and "\n" not in str(found.error)


def test_a_malformed_reply_with_its_tokens_costs_what_it_says() -> None:
    assert failure(body({"content": 5}, usage=USAGE))[1] == Usage(10, 5, 4)


def test_an_error_with_status_200_is_that_error() -> None:
    found, _ = failure(b'{"error": {"code": 429, "message": "slow down"}}')
    assert isinstance(found.error, RateLimitedError) and found.again and not found.charged


@pytest.mark.parametrize(
    "content",
    [body({"content": None, "refusal": "I will not. sk-secret"}), body({"content": "half"}, "content_filter")],
)
def test_refusals_are_no_replies_and_not_tried_again(content: bytes) -> None:
    found, _ = failure(content)
    assert isinstance(found.error, RefusedError) and found.error.reason == "refused"
    assert not found.again and "sk-secret" not in str(found.error)
