"""Chat completions and embeddings as servers send them, read with suspicion."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from .errors import RefusedError
from .faults import Failure, Server, malformed, of_status
from .messages import Reply, ToolCall, Usage


class _NoCompletionError(ValueError):
    """The JSON is no completion."""


def understood(server: Server, content: bytes) -> tuple[Reply | Failure, Usage | None]:
    """What an answer without an error status holds, and its tokens where the server counted them."""
    body, usage = _body(server, content)
    if isinstance(body, Failure):
        return body, usage
    try:
        choice = _choice(body)
        message = choice["message"]
        reply = _reply(choice, message, usage)
    except _NoCompletionError as problem:
        return malformed(server, str(problem)), usage
    refusal = message.get("refusal")
    if reply.finish_reason == "content_filter" or isinstance(refusal, str) and refusal:
        said = (
            server.sentence(refusal) if isinstance(refusal, str) and refusal else "a content filter stopped the reply."
        )
        return Failure(RefusedError(f"{server.model} refuses: {said} Try another model."), charged=True), usage
    return reply, usage


def embedded(server: Server, content: bytes, count: int) -> tuple[Reply | Failure, Usage | None]:
    """The vectors of `count` texts in an answer without an error status, and its tokens where these were counted."""
    body, usage = _body(server, content, completion=0)
    if isinstance(body, Failure):
        return body, usage
    try:
        places = {one["index"]: tuple(map(float, one["embedding"])) for one in body["data"]}
        vectors = tuple(places[number] for number in range(count))
    except (AttributeError, KeyError, TypeError, ValueError):
        return malformed(server, "no vector for each text"), usage
    if len({len(vector) for vector in vectors}) != 1 or not all(math.isfinite(x) for one in vectors for x in one):
        return malformed(server, "vectors of different lengths, or not of numbers"), usage
    return Reply("", usage=usage or Usage(), vectors=vectors), usage


def _body(
    server: Server, content: bytes, completion: int | None = None
) -> tuple[dict[str, Any] | Failure, Usage | None]:
    """The answer's object, and its tokens; `completion`: those of a completion where the server names none."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return malformed(server, "a body that is no JSON"), None
    if not isinstance(body, dict):
        return malformed(server, "JSON that is no object"), None
    given = body.get("usage")
    usage = _usage({"completion_tokens": completion} | given if isinstance(given, dict) else given)
    error = body.get("error")
    if isinstance(error, dict) and isinstance(error.get("code"), int):  # gateways report errors with status 200
        return of_status(server, error["code"], {}, content), usage
    return body, usage


def _choice(body: Mapping[str, Any]) -> dict[str, Any]:
    """The first choice, which has a message."""
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(first, dict) or not isinstance(first.get("message"), dict):
        raise _NoCompletionError("no choice with a message")
    if first.get("finish_reason") == "error":
        raise _NoCompletionError("an error in the middle of the reply")
    return first


def _reply(choice: Mapping[str, Any], message: Mapping[str, Any], usage: Usage | None) -> Reply:
    text, calls, finish = message.get("content"), message.get("tool_calls") or [], choice.get("finish_reason")
    if not isinstance(text, str | None):
        raise _NoCompletionError("a message that is no text")
    if not isinstance(calls, list):
        raise _NoCompletionError("tool calls that are no list")
    read = tuple(_call(call, number) for number, call in enumerate(calls))
    finished = finish if isinstance(finish, str) else "tool_calls" if read else "stop"
    return Reply(text or "", read, finished, usage or Usage())


def _call(call: object, number: int) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _NoCompletionError("a tool call without a name")
    arguments = function.get("arguments")
    written = arguments if isinstance(arguments, str) else json.dumps(arguments or {})  # some send an object
    return ToolCall(str(call.get("id") or f"call_{number}"), function["name"], written)


def _usage(given: object) -> Usage | None:
    if not isinstance(given, dict):
        return None
    prompt, completion = _count(given.get("prompt_tokens")), _count(given.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    details = given.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return Usage(prompt, completion, min(cached or 0, prompt))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
