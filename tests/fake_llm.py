"""A language model's server on loopback: OpenAI's chat completions and embeddings over real HTTP, with faults and
its own accounts.

    with fake_llm.serve([Says("", [Call("test_set", {"feature": 7})]), Says("Done.")]) as llm:
        ...  # requests to llm.url; the replies come in turn, the last one again and again

`play` is a list of replies, or a function from the request's JSON to a reply or an error status (quick: it runs in the
server's thread);
`faults` is a mapping or function from the request's number (from 0, in the order they arrive) to a fault or None, such
as `storm(seed)`; `embed` gives the vector of a text. What clients asked for stands in `llm.seen`; `llm.completed()`
counts replies that reached their client whole, as an invoice would. Errors of `play` and `embed` are answered with
status 500 and raised at the end of the block.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

MODEL = "fake-1"
BYTES_PER_TOKEN = 4
_JSON = "application/json"


@dataclass(frozen=True)
class Call:
    """A tool call; `arguments` that are a string are sent as they stand, JSON or not."""

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)


@dataclass(frozen=True)
class Says:
    """A reply: text, tool calls or a refusal. `finish` and `usage` (prompt, completion) as told, else as they follow.

    `counted` false: the reply says nothing of its tokens.
    """

    text: str = ""
    calls: Sequence[Call] = ()
    finish: str | None = None
    refusal: str | None = None
    usage: tuple[int, int] | None = None
    cached: int = 0
    counted: bool = True


@dataclass(frozen=True)
class Status:
    """An error status; `body` is JSON, or text as it stands."""

    code: int
    body: Mapping[str, Any] | str = field(default_factory=lambda: {"error": {"message": "made to fail", "code": None}})
    retry_after: str | None = None


@dataclass(frozen=True)
class Reset:
    """The connection is reset, before any answer."""


@dataclass(frozen=True)
class Truncated:
    """The answer ends in the middle of its body."""


@dataclass(frozen=True)
class Malformed:
    """Status 200 with this body, which is no completion."""

    body: str = '{"choices": [{"mess'


@dataclass(frozen=True)
class Slow:
    """The body comes in pieces, over so many seconds."""

    seconds: float
    pieces: int = 20


@dataclass(frozen=True)
class Silent:
    """No answer at all, until the client gives up."""


Fault = Status | Reset | Truncated | Malformed | Slow | Silent
Play = Sequence[Says] | Callable[[dict[str, Any]], Says | Status]
Embed = Callable[[str], Sequence[float]]
Faults = Mapping[int, Fault] | Callable[[int], Fault | None]


@dataclass
class Seen:
    """One request: its content, when it came (monotonic seconds), and what became of it."""

    number: int
    body: dict[str, Any]
    headers: dict[str, str]
    came: float
    fault: Fault | None
    completed: bool = False
    usage: tuple[int, int] = (0, 0)

    @property
    def feature(self) -> str | None:
        """Who asked: the `user` or `metadata.feature` of the body, or the header X-Tsea-Feature."""
        tagged = self.body.get("user") or self.body.get("metadata", {}).get("feature")
        return tagged or self.headers.get("x-tsea-feature")


@dataclass(frozen=True)
class Count:
    """Whole replies, and their tokens."""

    replies: int
    prompt: int
    completion: int


def storm(
    seed: int, share: float = 0.3, slow: float = 0.02, limit_seconds: float = 0.01
) -> Callable[[int], Fault | None]:
    """A share of requests fails in every way that passes: limits, errors, resets, half or slow or senseless bodies."""
    kinds: list[Fault] = [
        Status(429, retry_after=str(limit_seconds)),
        Status(500),
        Status(503, body="busy"),
        Reset(),
        Truncated(),
        Malformed(),
        Slow(slow),
    ]

    def fault(number: int) -> Fault | None:
        drawn = random.Random(seed * 1_000_003 + number)
        return drawn.choice(kinds) if drawn.random() < share else None

    return fault


def endless(name: str, arguments: Mapping[str, Any] | None = None) -> Callable[[dict[str, Any]], Says]:
    """A model that calls the same tool for ever."""
    return lambda request: Says(calls=[Call(name, arguments or {})])


class FakeLLM:
    """What a server was asked and what it answered; `url` is its base URL. Settings may change while it runs."""

    def __init__(self, play: Play, faults: Faults, latency: float, models: Sequence[str], embed: Embed) -> None:
        self.play, self.faults, self.latency, self.models, self.embed = play, faults, latency, list(models), embed
        self.url = ""
        self.seen: list[Seen] = []
        self.most_at_once = 0
        self.errors: list[Exception] = []
        self._at_once = 0
        self._turn = 0
        self._lock = threading.Lock()

    def completed(self, feature: int | str | None = None) -> Count:
        """Replies that reached their client whole, of one feature where it is given."""
        with self._lock:
            done = [one for one in self.seen if one.completed and feature in (None, one.feature, _int(one.feature))]
        return Count(len(done), sum(one.usage[0] for one in done), sum(one.usage[1] for one in done))

    def fault(self, number: int) -> Fault | None:
        """What is to go wrong with a request."""
        return self.faults(number) if callable(self.faults) else self.faults.get(number)

    def reply(self, request: dict[str, Any]) -> Says | Status:
        """The next reply."""
        if callable(self.play):
            return self.play(request)
        said = self.play[min(self._turn, len(self.play) - 1)]
        self._turn += 1
        return said

    def arrived(self, body: dict[str, Any], headers: dict[str, str]) -> Seen:
        """Note a request."""
        with self._lock:
            number = len(self.seen)
            one = Seen(number, body, headers, time.monotonic(), self.fault(number))
            self.seen.append(one)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            return one

    def left(self) -> None:
        """Note the end of a request."""
        with self._lock:
            self._at_once -= 1


@contextmanager
def serve(
    play: Play = (Says("ok"),),
    *,
    faults: Faults | None = None,
    latency: float = 0.0,
    models: Sequence[str] = (MODEL,),
    embed: Embed = lambda text: [1.0],
) -> Iterator[FakeLLM]:
    """A server on a free port of 127.0.0.1 as long as the block runs; `latency` in seconds before each answer."""
    llm = FakeLLM(play, faults or {}, latency, models, embed)
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = loop.create_task(_converse(llm, reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=256)
        llm.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    def main() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=main, name="fake-llm", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield llm
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
    if llm.errors:
        raise llm.errors[0]


async def _converse(llm: FakeLLM, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All requests of one connection."""
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ", 2)
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            await _answer(llm, method, path, headers, body, reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError, _Ended):
        pass
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


class _Ended(Exception):
    """This connection has no more to say."""


async def _answer(
    llm: FakeLLM,
    method: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    if (method, path) == ("GET", "/v1/models"):
        listed = [{"id": name, "object": "model", "created": 1, "owned_by": "tests"} for name in llm.models]
        return await _send(writer, 200, {"object": "list", "data": listed})
    if method != "POST" or path not in ("/v1/chat/completions", "/v1/embeddings"):
        return await _send(writer, 404, {"detail": "Not Found"})
    one = llm.arrived(json.loads(body), headers)
    try:
        await asyncio.sleep(llm.latency)
        await _complete(llm, one, reader, writer)
    except ConnectionError:
        one.completed = False
        raise
    finally:
        llm.left()


async def _complete(llm: FakeLLM, one: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request; `completed` is noted where it is whole."""
    fault = one.fault
    match fault:
        case Status():
            return await _fail(writer, fault)
        case Reset():
            raw = writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            raise _Ended
        case Malformed():
            await _send(writer, 200, fault.body)
            return
        case Silent():
            await reader.read(1)
            raise _Ended
        case _:
            pass
    if one.body["model"] not in llm.models:
        message = f"The model `{one.body['model']}` does not exist"
        await _send(writer, 404, {"error": {"message": message, "type": "NotFoundError", "code": "model_not_found"}})
        return
    try:
        answer = _embeddings(llm, one) if "input" in one.body else _said(llm, one)
    except Exception as error:
        llm.errors.append(error)
        await _send(writer, 500, {"error": {"message": f"play failed: {error!r}"}})
        return
    if isinstance(answer, Status):
        return await _fail(writer, answer)
    data = json.dumps(answer).encode()
    head = _head(200, len(data))
    if isinstance(fault, Truncated):
        writer.write(head + data[: len(data) // 2])
        await writer.drain()
        raise _Ended
    seconds, pieces = (fault.seconds, fault.pieces) if isinstance(fault, Slow) else (0.0, 1)
    size = math.ceil(len(data) / pieces)
    writer.write(head)
    for start in range(0, len(data), size):
        await asyncio.sleep(seconds / pieces)
        if reader.at_eof():
            raise _Ended
        one.completed = start + size >= len(data)  # noted before the client can know it
        writer.write(data[start : start + size])
        await writer.drain()


async def _fail(writer: asyncio.StreamWriter, status: Status) -> None:
    extra = {} if status.retry_after is None else {"Retry-After": status.retry_after}
    await _send(writer, status.code, status.body, extra)


def _said(llm: FakeLLM, one: Seen) -> dict[str, Any] | Status:
    says = llm.reply(one.body)
    if isinstance(says, Status):
        return says
    one.usage = says.usage or _counted(one.body, says)
    return _completion(one, says)


def _embeddings(llm: FakeLLM, one: Seen) -> dict[str, Any]:
    """Vectors of the texts, the last first, as the interface allows."""
    texts = one.body["input"]
    one.usage = sum(math.ceil(len(text.encode()) / BYTES_PER_TOKEN) for text in texts), 0
    data = [{"object": "embedding", "index": k, "embedding": list(llm.embed(text))} for k, text in enumerate(texts)]
    usage = {"prompt_tokens": one.usage[0], "total_tokens": one.usage[0]}
    return {"object": "list", "model": one.body["model"], "data": data[::-1], "usage": usage}


def _counted(body: dict[str, Any], says: Says) -> tuple[int, int]:
    asked = json.dumps([body["messages"], body.get("tools", [])], ensure_ascii=False, separators=(",", ":"))
    said = says.text + (says.refusal or "") + "".join(call.name + _written(call) for call in says.calls)
    return math.ceil(len(asked.encode()) / BYTES_PER_TOKEN), math.ceil(len(said.encode()) / BYTES_PER_TOKEN)


def _written(call: Call) -> str:
    return call.arguments if isinstance(call.arguments, str) else json.dumps(dict(call.arguments))


def _completion(one: Seen, says: Says) -> dict[str, Any]:
    calls = [
        {"id": f"call_{one.number}_{k}", "type": "function", "function": {"name": c.name, "arguments": _written(c)}}
        for k, c in enumerate(says.calls)
    ]
    message = {"role": "assistant", "content": says.text or None, "refusal": says.refusal}
    message |= {"tool_calls": calls} if calls else {}
    finish = says.finish or ("tool_calls" if calls else "stop")
    prompt, completion = one.usage
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": says.cached},
    }
    return {
        "id": f"chatcmpl-{one.number}",
        "object": "chat.completion",
        "created": 1,
        "model": one.body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}],
    } | ({"usage": usage} if says.counted else {})


async def _send(
    writer: asyncio.StreamWriter, status: int, body: Mapping[str, Any] | str, extra: Mapping[str, str] | None = None
) -> None:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    writer.write(_head(status, len(data), extra) + data)
    await writer.drain()


def _head(status: int, length: int, extra: Mapping[str, str] | None = None) -> bytes:
    fields = {"Content-Type": _JSON, "Content-Length": str(length), **(extra or {})}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _int(text: str | None) -> int | str | None:
    return int(text) if text and text.isdecimal() else text
