"""What a failed request means: which error, whether another try may help, and whether it may have been charged."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import (
    ContextOverflowError,
    LlmError,
    LlmTimeoutError,
    MalformedReplyError,
    NoServerError,
    NoToolCallingError,
    RateLimitedError,
    RefusedError,
    RejectedError,
    UnknownModelError,
    UnreachableError,
)
from .retries import retry_after

_AGAIN = {408, 409, 425, 429}  # and all from 500 on
_NO_KEY = {401, 403}
_MISSING = {404, 405}
_SHOWN = 300  # characters of what a server said

# As OpenAI, vLLM, llama.cpp, Ollama, LM Studio, OpenRouter, TGI and others put it; some with status 500.
_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|context_exceeded"
    r"|maximum (model|context) length|context (length|size|window)|prompt is too long|too long to fit"
    r"|input length exceeds|token count .{0,40}exceeds|inputs?` tokens \+",
    re.IGNORECASE,
)
_TOOLS = r"\b(tools?|tool[_ ]choice|tool[_ ]call\w*|functions?|function[_ ]call\w*)\b"
_NO_TOOLS = re.compile(
    rf"(not support|n't support|unsupported|unrecognized|unknown|no endpoints found that support)\W.{{0,60}}{_TOOLS}"
    rf"|{_TOOLS}.{{0,60}}(not (yet )?(support|allow|permit|enabl|available|implement)|n't support|unsupported)"
    rf"|{_TOOLS}.{{0,20}}requires? (\w+ )?--"
    rf"|{_TOOLS}\W{{1,6}}(Extra inputs|extra fields)",
    re.IGNORECASE | re.DOTALL,
)
_MODEL = re.compile(
    r"\bmodel\b.{0,200}(not exist|not found|not a valid|invalid|unknown|not loaded|no such)"
    r"|(unknown|invalid|no such|not a valid)\W{1,3}model|model_not_found",
    re.IGNORECASE | re.DOTALL,
)
_FILTERED = re.compile(r"content_filter|content_policy|content management policy|safety system", re.IGNORECASE)
_NO_CREDIT = re.compile(r"insufficient_quota|insufficient (credits|balance|funds)|billing", re.IGNORECASE)
_PARAMETER = {"unsupported_parameter", "unsupported_value"}


@dataclass(frozen=True)
class Failure:
    """Why there is no reply. `again`: another try may help, after `asked` seconds where the server said so.

    `charged`: the server may have done the work nonetheless. `parameter`: the one that this model does not take.
    """

    error: LlmError
    again: bool = False
    charged: bool = False
    asked: float | None = None
    parameter: str | None = None


@dataclass(frozen=True)
class Server:
    """Who is asked for what, for messages: base URL, model, the variable that holds the key, and the service."""

    base_url: str
    model: str
    key_variable: str
    secret: str = field(repr=False)
    service: str = "chat completion"

    def quoted(self, text: str) -> str:
        """What the server said, on one line, short and without the key."""
        line = " ".join(text.split())
        line = line.replace(self.secret, "***") if self.secret else line
        return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 3]}..."

    def sentence(self, text: str) -> str:
        """What the server said, as a sentence among others."""
        said = self.quoted(text) or "no reason given"
        return said if said[-1] in ".!?" else f"{said}."


def of_status(
    server: Server, status: int, headers: Mapping[str, str], content: bytes, *, with_tools: bool = False
) -> Failure:
    """What an answer with an error status means."""
    said, code, parameter = _said(content)
    everything, why = f"{code} {said}", server.sentence(said)
    asked = retry_after(headers)
    if status in _NO_KEY:  # what it says may hold the key, in whatever form
        return Failure(
            RejectedError(
                f"{server.base_url} refuses the key in {server.key_variable} (status {status}): set that variable to a "
                f"key that is valid there and may use {server.model}."
            )
        )
    error = _permanent(server, status, everything, why, with_tools=with_tools)
    if error is not None:
        return Failure(error, parameter=parameter if code in _PARAMETER else None)
    if status == 429:
        message = (
            f"{server.base_url} still limits the rate after every retry: {why} Ask for fewer requests "
            "or tokens a minute, or for less at once."
        )
        return Failure(RateLimitedError(message), again=True, asked=asked)
    message = f"{server.base_url} fails with status {status}: {why} Look at the server, and try again later."
    return Failure(UnreachableError(message), again=True, asked=asked)


def _permanent(server: Server, status: int, everything: str, why: str, *, with_tools: bool) -> LlmError | None:
    """The error where the same request would fail again."""
    if _OVERFLOW.search(everything) or status == 413:
        return ContextOverflowError(
            f"The prompt and its reply do not fit the context of {server.model}: {why} Give a shorter "
            "prompt, or serve the model with a longer context."
        )
    if with_tools and _NO_TOOLS.search(everything):
        return NoToolCallingError(
            f"{server.model} takes no tools at {server.base_url}: {why} Ask for an answer in JSON, use "
            "a model that calls tools, or start the server with them."
        )
    if status == 429 and _NO_CREDIT.search(everything) or status == 402:
        return RejectedError(f"The account at {server.base_url} has no credit left: {why} Add some.")
    if status in _AGAIN or status >= 500:
        return None
    if _FILTERED.search(everything):
        return RefusedError(f"A content filter stopped the prompt: {why} Try another model.")
    if _MODEL.search(everything):
        return UnknownModelError(
            f"{server.base_url} has no model {server.model}: {why} Give a name that the server knows "
            f"(GET {server.base_url}/models lists them)."
        )
    if status in _MISSING or status < 400:
        return NoServerError(
            f"{server.base_url} has no {server.service}s (status {status}): give the base URL of an OpenAI-compatible "
            "server; most end in /v1."
        )
    return RejectedError(
        f"{server.base_url} rejects the request (status {status}): {why} Change what it names, or use another model."
    )


def timed_out(server: Server, seconds: float) -> Failure:
    """No whole reply in time."""
    message = (
        f"No whole reply from {server.base_url} in {seconds:g} seconds: give more time, fewer tokens for each reply, "
        "or fewer requests at once."
    )
    return Failure(LlmTimeoutError(message), again=True, charged=True)


def unreachable(server: Server, what: str) -> Failure:
    """No connection at all."""
    message = f"Cannot reach {server.base_url} ({what}): check the base URL, and that the server runs."
    return Failure(NoServerError(message), again=True)


def broken_off(server: Server, what: str) -> Failure:
    """A connection that ended before the reply did."""
    message = f"{server.base_url} breaks connections off ({what}): look at the server, and try again later."
    return Failure(UnreachableError(message), again=True, charged=True)


def malformed(server: Server, what: str) -> Failure:
    """A reply that is no chat completion."""
    message = (
        f"{server.base_url} sent no {server.service} ({what}): check that the base URL is that of an OpenAI-compatible "
        "server, or try again later."
    )
    return Failure(MalformedReplyError(message), again=True, charged=True)


def _said(content: bytes) -> tuple[str, str, str | None]:
    """An error's message, its code with its type, and the parameter it is about, however a server nests them."""
    try:
        body: Any = json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace"), "", None
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error), "", None
    message = error.get("message", error.get("detail", json.dumps(error)))
    parameter = error.get("param")
    code = error.get("code") if isinstance(error.get("code"), str) else error.get("type")
    return str(message), str(code or ""), parameter if isinstance(parameter, str) else None
