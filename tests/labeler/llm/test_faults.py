"""Errors as servers word them; the texts are those of the servers named, with numbers and names of our own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tsea.labeler.llm.errors import (
    ContextOverflowError,
    LlmError,
    NoServerError,
    NoToolCallingError,
    RateLimitedError,
    RefusedError,
    RejectedError,
    UnknownModelError,
    UnreachableError,
)
from tsea.labeler.llm.faults import Failure, Server, of_status

SERVER = Server("http://host/v1", "m", "OPENAI_API_KEY", "sk-secret")


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


def failure(status: int, body: Any, *, with_tools: bool = True, headers: dict[str, str] | None = None) -> Failure:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    found = of_status(SERVER, status, headers or {}, content, with_tools=with_tools)
    said = str(found.error)
    assert "\n" not in said and "sk-secret" not in said and len(said) < 600 and said.endswith((".", ")."))
    assert not found.charged
    return found


OVERFLOWS = {
    "OpenAI": (
        400,
        error(
            "This model's maximum context length is 4097 tokens. However, your messages resulted in 9000 tokens.",
            code="context_length_exceeded",
        ),
    ),
    "vLLM": (
        400,
        {
            "object": "error",
            "message": "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
            "type": "BadRequestError",
            "code": 400,
        },
    ),
    "vLLM, reply": (
        400,
        error("'max_tokens' is too large: 4000. This model's maximum context length is 4096 tokens", code=400),
    ),
    "llama.cpp": (
        400,
        error("the request exceeds the available context size, try increasing it", type="exceed_context_size_error"),
    ),
    "llama.cpp, older": (500, error("the request exceeds the available context size. try increasing it", code=500)),
    "Ollama": (400, error("the input length exceeds the context length", type="api_error")),
    "LM Studio": (
        400,
        {"error": "Trying to keep the first 9000 tokens when context the overflows. context length 4096"},
    ),
    "TGI": (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096"}),
    "a proxy": (413, "Request Entity Too Large"),
}


@pytest.mark.parametrize(("status", "body"), OVERFLOWS.values(), ids=OVERFLOWS)
def test_a_prompt_beyond_the_context_is_told_and_not_tried_again(status: int, body: Any) -> None:
    found = failure(status, body)
    assert isinstance(found.error, ContextOverflowError) and found.error.reason == "context overflow"
    assert not found.again and "Give a shorter prompt" in str(found.error)


TOOLLESS = {
    "Ollama": (400, error("registry.ollama.ai/library/gemma:2b does not support tools", type="api_error")),
    "vLLM": (
        400,
        {
            "object": "error",
            "message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
            "type": "BadRequestError",
        },
    ),
    "vLLM, older": (
        400,
        {"object": "error", "message": "1 validation error\ntools\n  Extra inputs are not permitted", "code": 400},
    ),
    "llama.cpp": (500, error("tools param requires --jinja flag", code=500, type="server_error")),
    "OpenRouter": (404, error("No endpoints found that support tool use.", code=404)),
    "OpenAI": (400, error("Unsupported parameter: 'tools' is not supported with this model.", param="tools")),
    "others": (422, error("Function calling is not available for this model.")),
}


@pytest.mark.parametrize(("status", "body"), TOOLLESS.values(), ids=TOOLLESS)
def test_a_server_without_tools_is_told_from_one_that_is_wrong_otherwise(status: int, body: Any) -> None:
    found = failure(status, body)
    assert isinstance(found.error, NoToolCallingError) and found.error.reason == "no tool calling"
    assert not found.again
    assert not isinstance(failure(status, body, with_tools=False).error, NoToolCallingError)


@pytest.mark.parametrize(
    "message",
    [
        "Invalid schema for function 'test_set': 'x' is not of type 'object'.",
        "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'.",
    ],
)
def test_wrong_use_of_tools_is_not_taken_for_their_absence(message: str) -> None:
    assert type(failure(400, error(message)).error) is RejectedError


MODELS = {
    "OpenAI": (404, error("The model `m` does not exist or you do not have access to it.", code="model_not_found")),
    "vLLM": (
        404,
        {"object": "error", "message": "The model `m` does not exist.", "type": "NotFoundError", "code": 404},
    ),
    "Ollama": (404, error('model "m" not found, try pulling it first', type="api_error")),
    "LM Studio": (400, error("Invalid model identifier 'm'. Please specify a valid downloaded model.")),
    "OpenRouter": (400, error("m is not a valid model ID", code=400)),
}


@pytest.mark.parametrize(("status", "body"), MODELS.values(), ids=MODELS)
def test_a_model_that_the_server_does_not_know_is_told(status: int, body: Any) -> None:
    found = failure(status, body)
    assert isinstance(found.error, UnknownModelError) and found.error.reason == "unknown model"
    assert not found.again and "http://host/v1/models" in str(found.error)


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason", "again", "says"),
    [
        (
            401,
            error("Incorrect key: sk-se***et"),
            RejectedError,
            "rejected",
            False,
            "refuses the key in OPENAI_API_KEY",
        ),
        (403, error("no"), RejectedError, "rejected", False, "may use m"),
        (402, error("Insufficient credits"), RejectedError, "rejected", False, "no credit"),
        (
            429,
            error("You exceeded your quota", code="insufficient_quota"),
            RejectedError,
            "rejected",
            False,
            "no credit",
        ),
        (404, {"detail": "Not Found"}, NoServerError, "no server", False, "most end in /v1"),
        (405, "", NoServerError, "no server", False, "most end in /v1"),
        (301, "", NoServerError, "no server", False, "most end in /v1"),
        (
            400,
            error("temperature must be at most 2"),
            RejectedError,
            "rejected",
            False,
            "temperature must be at most 2",
        ),
        (422, {"detail": [{"msg": "sk-secret"}]}, RejectedError, "rejected", False, r"\*\*\*"),
        (400, error("filtered", code="content_filter"), RefusedError, "refused", False, "content filter"),
        (408, "", UnreachableError, "unreachable", True, "status 408"),
        (409, "", UnreachableError, "unreachable", True, "status 409"),
        (429, error("slow down"), RateLimitedError, "rate limited", True, "slow down"),
        (500, "<html>sk-secret" + "x" * 9999, UnreachableError, "unreachable", True, "status 500"),
        (503, error("model overloaded"), UnreachableError, "unreachable", True, "overloaded"),
        (529, [], UnreachableError, "unreachable", True, "status 529"),
        (400, error(None), RejectedError, "rejected", False, "status 400"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_every_status_has_its_error(
    status: int, body: Any, kind: type[LlmError], reason: str, again: bool, says: str
) -> None:
    found = failure(status, body)
    assert type(found.error) is kind and found.error.reason == reason and found.again is again
    with pytest.raises(kind, match=says):
        raise found.error


def test_what_the_server_asks_for_is_passed_on() -> None:
    assert failure(429, "", headers={"retry-after": "7"}).asked == 7.0
    assert failure(503, "", headers={"retry-after": "7"}).asked == 7.0
    assert failure(500, "").asked is None


def test_a_parameter_that_the_model_does_not_take_is_named() -> None:
    body = error("Unsupported parameter", code="unsupported_parameter", param="max_tokens")
    assert failure(400, body).parameter == "max_tokens"
    assert failure(400, error("too large", code="invalid_value", param="max_tokens")).parameter is None
