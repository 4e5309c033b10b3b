"""An LLM service on this machine that plays a list of tool calls, and keeps what it was given after each.

Speaks the two HTTP interfaces of OpenAI that clients use, without streams: chat completions and responses. It says
one call a turn, asks get_job as long as a result is only a job's, and ends with the text of the last result. Which
call is next follows from the conversation alone. A request that cannot be played is refused with status 400, and kept.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

from external.investigation import Call, job_under_way, without_job

MODEL = "gpt-4o"  # a name that every client knows; the service answers to any
INSTRUCTION = "Find out what the feature of the word red is about, and label it."


class Given(NamedTuple):
    """What stood in the conversation after one call: the text of all parts, and the images."""

    text: str
    images: list[bytes]


class FakeLLM:
    """State of one conversation: the calls to play, and what came back."""

    def __init__(self, calls: Sequence[Call], url: str) -> None:
        self.calls = calls
        self.url = url
        self.offered: dict[str, Any] = {}
        self.given: list[Given] = []
        self.refused: list[str] = []

    def answer(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        """The body of the reply to one request; raises ValueError for what cannot be played."""
        interfaces = {"/v1/chat/completions": _Chat, "/v1/responses": _Responses}
        if path not in interfaces:
            raise ValueError(f"no such interface: {path}")
        if request.get("stream"):
            raise ValueError("this service does not stream")
        interface = interfaces[path]
        self.offered = {tool["name"]: tool["parameters"] for tool in interface.tools(request)}
        turns = [_given(items) for items in interface.turns(request)[1:]]
        self.given = [turn for turn in turns if not job_under_way(turn.text)]
        if turns and (job := job_under_way(turns[-1].text)):
            call = Call("get_job", {"job_id": job, "wait_seconds": 20})
        elif len(self.given) == len(self.calls):
            return interface.says(self.given[-1].text)
        else:
            call = self.calls[len(self.given)]
        if call.tool not in self.offered:
            raise ValueError(f"{call.tool} was not offered, only {sorted(self.offered)}")
        return interface.calls(f"call_{len(turns)}", call)


class _Chat:
    """POST /v1/chat/completions"""

    @staticmethod
    def tools(request: dict[str, Any]) -> list[dict[str, Any]]:
        return [tool["function"] for tool in request.get("tools", [])]

    @staticmethod
    def turns(request: dict[str, Any]) -> list[list[Any]]:
        return _split(request["messages"], lambda message: message["role"] == "assistant")

    @staticmethod
    def calls(id: str, call: Call) -> dict[str, Any]:
        function = {"name": call.tool, "arguments": json.dumps(call.arguments)}
        tool_calls = [{"id": id, "type": "function", "function": function}]
        return _Chat._reply({"role": "assistant", "content": None, "tool_calls": tool_calls}, "tool_calls")

    @staticmethod
    def says(text: str) -> dict[str, Any]:
        return _Chat._reply({"role": "assistant", "content": text}, "stop")

    @staticmethod
    def _reply(message: dict[str, Any], finish_reason: str) -> dict[str, Any]:
        choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": MODEL}
        return {**body, "choices": [choice], "usage": usage}


class _Responses:
    """POST /v1/responses"""

    @staticmethod
    def tools(request: dict[str, Any]) -> list[dict[str, Any]]:
        return [tool for tool in request.get("tools", []) if tool["type"] == "function"]

    @staticmethod
    def turns(request: dict[str, Any]) -> list[list[Any]]:
        return _split(request["input"], lambda item: item.get("type") == "function_call")

    @staticmethod
    def calls(id: str, call: Call) -> dict[str, Any]:
        item = {"type": "function_call", "id": f"fc_{id}", "call_id": id, "status": "completed"}
        return _Responses._reply({**item, "name": call.tool, "arguments": json.dumps(call.arguments)})

    @staticmethod
    def says(text: str) -> dict[str, Any]:
        content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
        return _Responses._reply({**item, "content": content})

    @staticmethod
    def _reply(item: dict[str, Any]) -> dict[str, Any]:
        details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2, **details}
        body = {"id": "resp_1", "object": "response", "created_at": 1, "model": MODEL, "status": "completed"}
        choice = {"parallel_tool_calls": False, "tool_choice": "auto", "tools": []}
        return {**body, **choice, "output": [item], "usage": usage}


def _split(items: list[Any], is_call: Any) -> list[list[Any]]:
    """The conversation before the first call, and what followed each."""
    turns: list[list[Any]] = [[]]
    for item in items:
        if is_call(item):
            turns.append([])
        else:
            turns[-1].append(item)
    return turns


def _given(items: list[dict[str, Any]]) -> Given:
    parts = list(_parts([item.get("output", item.get("content")) for item in items]))
    texts = [part["text"] for part in parts if "text" in part]
    return Given(without_job("\n".join(texts)), [_image(part) for part in parts if "image_url" in part])


def _parts(content: Any) -> Iterator[dict[str, Any]]:
    """Each text and each image, however a client nests them."""
    if isinstance(content, str):
        yield {"text": content}
    elif isinstance(content, dict):
        yield content
    else:
        for part in content or []:
            yield from _parts(part)


def _image(part: dict[str, Any]) -> bytes:
    url = part["image_url"]
    address = url["url"] if isinstance(url, dict) else url
    return base64.b64decode(address.removeprefix("data:image/png;base64,"), validate=True)


@contextmanager
def serve(calls: Sequence[Call]) -> Iterator[FakeLLM]:
    """The service at `llm.url` on a free port of this machine, as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                reply, status = llm.answer(self.path, json.loads(body)), 200
            except ValueError as error:
                llm.refused.append(str(error))
                reply, status = {"error": {"message": str(error), "type": "invalid_request_error"}}, 400
            data = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    llm = FakeLLM(calls, f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield llm
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
