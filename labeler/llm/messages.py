"""What is asked of a language model and what it replies, free of any service's types."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

_DIGEST_BYTES = 16


def encoded(value: Mapping[str, Any]) -> bytes:
    """The value as JSON in UTF-8; halves of surrogate pairs, which no server reads, as question marks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model wants called; `arguments` is what it wrote, JSON or not."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Usage:
    """Tokens of one request; `cached` of the prompt's were read from the server's cache."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0

    @property
    def total(self) -> int:
        """Tokens of prompt and completion."""
        return self.prompt + self.completion

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.prompt + other.prompt, self.completion + other.completion, self.cached + other.cached)


class _Sent:
    """What is sent to a server as JSON."""

    @cached_property
    def body(self) -> dict[str, Any]:
        """The request as JSON."""
        raise NotImplementedError

    @cached_property
    def data(self) -> bytes:
        """The request as it is sent; in the order given, which is part of the prompt."""
        return encoded(self.body)

    @cached_property
    def hash(self) -> str:
        """Digest of the content, in hexadecimal digits."""
        return hashlib.blake2b(self.data, digest_size=_DIGEST_BYTES).hexdigest()


@dataclass(frozen=True)
class Request(_Sent):
    """A conversation to be continued by at most `max_tokens`; messages and tools as chat completions write them.

    Requests with equal content have equal hashes and share one reply: samples of the same prompt need seeds of their
    own.
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    temperature: float | None = None
    max_tokens: int = 2048
    response_format: Mapping[str, Any] | None = None
    seed: int | None = None

    @cached_property
    def body(self) -> dict[str, Any]:
        """The request as JSON, without what was left open."""
        optional = {
            "tools": list(self.tools) or None,
            "temperature": self.temperature,
            "response_format": self.response_format,
            "seed": self.seed,
        }
        given = {name: value for name, value in optional.items() if value is not None}
        return {"model": self.model, "messages": list(self.messages), "max_tokens": self.max_tokens, **given}


@dataclass(frozen=True)
class EmbeddingRequest(_Sent):
    """Texts whose embeddings are wanted."""

    model: str
    texts: Sequence[str]

    tools: ClassVar[Sequence[Mapping[str, Any]]] = ()
    max_tokens: ClassVar[int] = 0

    @cached_property
    def body(self) -> dict[str, Any]:
        """The request as JSON."""
        return {"model": self.model, "input": list(self.texts), "encoding_format": "float"}


AnyRequest = Request | EmbeddingRequest


@dataclass(frozen=True)
class Reply:
    """What the model said: text, calls or both; of embeddings `vectors`, one for each text.

    `estimated`: tokens the server did not count; `cached`: paid earlier.
    `finish_reason` is the server's word: "stop", "tool_calls", or "length" where `max_tokens` cut the reply off.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    usage: Usage = Usage()
    estimated: bool = False
    cached: bool = False
    vectors: tuple[tuple[float, ...], ...] = ()

    @property
    def cut_off(self) -> bool:
        """Whether the reply ends where `max_tokens` did."""
        return self.finish_reason == "length"

    @property
    def message(self) -> dict[str, Any]:
        """The reply as a message of the conversation it continues."""
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in self.tool_calls
        ]
        return {"role": "assistant", "content": self.text} | ({"tool_calls": calls} if calls else {})

    def to_json(self) -> bytes:
        """The reply as bytes that `from_json` reads."""
        return json.dumps({name: value for name, value in asdict(self).items() if name != "cached"}).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Reply:
        """A stored reply, marked as cached; raises ValueError for bytes that are none."""
        try:
            stored = json.loads(data)
            calls = tuple(ToolCall(**call) for call in stored.pop("tool_calls"))
            vectors = tuple(tuple(vector) for vector in stored.pop("vectors", ()))
            usage = Usage(**stored["usage"])
            return cls(**stored | {"tool_calls": calls, "usage": usage, "cached": True, "vectors": vectors})
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("no stored reply") from error
