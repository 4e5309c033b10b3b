"""A language model's server that stands in for a real one: it waits, then plays an investigation of five replies.

`serving(latency)` runs it in a process of its own, so that it takes no time from the one that is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .served import served_apart

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import JSONResponse

MODEL = "stand-in"
REPLIES = 5  # of an investigation
_FEATURE = re.compile(r"Feature (\d+)\.")
_SET = re.compile(r'"set":"([^"]+)"')


@contextlib.contextmanager
def serving(latency: float) -> Iterator[str]:
    """The base URL of a server that answers after `latency` seconds, as long as the block runs."""
    with served_apart([sys.executable, "-m", __name__, str(latency)]) as url:
        yield url


def _reply(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The next message of an investigation, from the briefing and how often the model has spoken."""
    briefing, said = messages[1]["content"], sum(message["role"] == "assistant" for message in messages)
    found = _FEATURE.search(briefing)
    if found is None:
        return {"role": "assistant", "content": "No feature is named."}
    feature, sets = int(found[1]), list(dict.fromkeys(_SET.findall(briefing)))[:2] or ["pos.NN"]
    texts = ["My hat is red.", "My hat is new."]
    label = {"feature": feature, "text": f"Promotes {sets[0]}.", "promotes": sets[:1], "confidence": 0.6}
    calls = (
        ("test_token_set", {"specs": sets, "features": str(feature)}),
        ("get_examples", {"feature": feature, "kinds": ["negative"], "limit": 5}),
        ("test_token_set", {"specs": sets[-1:], "features": str(feature), "given": sets[0]}),
        ("test_activation", {"texts": texts, "features": str(feature)}),
        ("submit_label", label),
    )
    name, arguments = calls[min(said, REPLIES - 1)]
    call = {"name": name, "arguments": json.dumps(arguments)}
    called = {"id": f"call_{said}", "type": "function", "function": call}
    return {"role": "assistant", "content": "One idea, and a rival.", "tool_calls": [called]}


def _run(latency: float) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def complete(request: Request) -> JSONResponse:
        begun = time.perf_counter()
        body = await request.json()
        choice = {"index": 0, "message": _reply(body["messages"]), "finish_reason": "tool_calls"}
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
        completion = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL, "usage": usage}
        await asyncio.sleep(max(0.0, latency - (time.perf_counter() - begun)))
        return JSONResponse(completion | {"choices": [choice]})

    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    listening = config.bind_socket()
    print(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", file=sys.stderr, flush=True)
    server.run([listening])


if __name__ == "__main__":
    _run(float(sys.argv[1]))
