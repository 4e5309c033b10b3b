"""What can go wrong with a language model's server, each with a reason that records keep and what to do next."""

from __future__ import annotations

from typing import ClassVar, Literal

from ...tools.errors import TseaError

Reason = Literal[
    "no key",
    "no server",
    "unreachable",
    "rejected",
    "unknown model",
    "context overflow",
    "rate limited",
    "timeout",
    "malformed reply",
    "refused",
    "no tool calling",
]


class LlmError(TseaError):
    """No answer from the language model, and why."""

    reason: ClassVar[Reason]


class NoKeyError(LlmError):
    """The environment holds no key, or one that cannot be sent."""

    reason = "no key"


class NoServerError(LlmError):
    """Nothing that speaks this interface answers at the base URL."""

    reason = "no server"


class UnreachableError(LlmError):
    """The server fails, or breaks connections off."""

    reason = "unreachable"


class RejectedError(LlmError):
    """The server answers, and will not take the request: wrong key, no credit, invalid parameters."""

    reason = "rejected"


class UnknownModelError(LlmError):
    """The server has no model of that name."""

    reason = "unknown model"


class ContextOverflowError(LlmError):
    """Prompt and reply do not fit the model's context: a shorter prompt may."""

    reason = "context overflow"


class RateLimitedError(LlmError):
    """The server still asked to come back later after the last retry."""

    reason = "rate limited"


class LlmTimeoutError(LlmError):
    """No whole reply in time, at any attempt."""

    reason = "timeout"


class MalformedReplyError(LlmError):
    """What the server sent is no chat completion."""

    reason = "malformed reply"


class RefusedError(LlmError):
    """The model, or a content filter, declined to answer."""

    reason = "refused"


class NoToolCallingError(LlmError):
    """The server or the model takes no tools: ask without them, for an answer in JSON."""

    reason = "no tool calling"
