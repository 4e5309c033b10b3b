from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tsea.labeler.llm.messages import Reply, Request, ToolCall, Usage

REQUEST = Request("m", [{"role": "user", "content": "Ġred"}], max_tokens=7)
TOOL = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"b": {}, "a": {}}}},
}


def test_a_request_is_sent_without_what_was_left_open_and_in_the_order_given() -> None:
    assert REQUEST.data == '{"model":"m","messages":[{"role":"user","content":"Ġred"}],"max_tokens":7}'.encode()
    full = replace(REQUEST, tools=[TOOL], temperature=0.0, seed=0, response_format={"type": "json_object"})
    assert json.loads(full.data) == REQUEST.body | {
        "tools": [TOOL],
        "temperature": 0.0,
        "response_format": {"type": "json_object"},
        "seed": 0,
    }
    assert b'{"b":{},"a":{}}' in full.data


def test_requests_of_equal_content_have_equal_hashes_and_others_have_others() -> None:
    same = Request("m", ({"role": "user", "content": "Ġred"},), max_tokens=7)
    assert same.hash == REQUEST.hash
    changes = (
        {"model": "n"},
        {"messages": [{"role": "user", "content": "red"}]},
        {"tools": [TOOL]},
        {"temperature": 0.0},
        {"max_tokens": 8},
        {"response_format": {"type": "json_object"}},
        {"seed": 0},
        {"seed": 1},
    )
    hashes = {replace(REQUEST, **change).hash for change in changes}
    assert len(hashes | {REQUEST.hash}) == len(changes) + 1


def test_half_a_surrogate_pair_can_be_sent() -> None:
    request = Request("m", [{"role": "user", "content": "a\ud800b"}])
    assert json.loads(request.data)["messages"][0]["content"] == "a?b"
    assert len(request.hash) == 32


def test_a_reply_comes_back_from_its_bytes_as_cached() -> None:
    reply = Reply("text", (ToolCall("1", "f", '{"a":'),), "tool_calls", Usage(10, 5, 3), estimated=True)
    assert Reply.from_json(reply.to_json()) == replace(reply, cached=True)
    assert Reply.from_json(replace(reply, cached=True).to_json()).cached


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"no JSON", b'{"tool_calls":[1]}', b'{"tool_calls":[]}'])
def test_bytes_that_are_no_reply_are_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        Reply.from_json(data)


def test_a_reply_becomes_a_message_of_its_conversation() -> None:
    assert Reply("hello").message == {"role": "assistant", "content": "hello"}
    assert Reply("", (ToolCall("1", "f", "{}"),)).message == {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    assert Reply("a", finish_reason="length").cut_off and not Reply("a").cut_off


def test_usages_add_up() -> None:
    assert Usage(1, 2, 1) + Usage(10, 20) == Usage(11, 22, 1)
    assert Usage(11, 22, 1).total == 33
