"""How long an MCP client waits: `tsea eval server-speed`.

A server over HTTP in a process of its own, the bundled subject loaded and its first questions asked; then each call on
another feature every time, as the SDK's client sees it. The start is that over stdio, until the tools are listed.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tools.errors import TseaError
from ..tools.progress import Progress, silent
from .results import Report, markdown_table
from .served import served_apart

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import CallToolResult

CALLS = 60
_STARTS = 5
_READY_SECONDS = 1200
_SERVE = (sys.executable, "-m", "tsea.server", "serve")
_COLOURS = '{"words": ["red", "blue", "green", "white", "black"], "variants": "all"}'
_QUESTIONS: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("get_feature", lambda feature: {"feature": feature}),
    ("enrich_feature", lambda feature: {"feature": feature}),
    ("test_token_set", lambda feature: {"specs": [_COLOURS], "features": str(feature)}),
    ("test_input_hypothesis", lambda feature: {"specs": [f'{{"token": {_COLOURS}}}'], "features": str(feature)}),
    ("split_histogram", lambda feature: {"feature": feature, "token_set": _COLOURS}),
    ("test_activation", lambda feature: {"texts": ["My color is red.", "My hat is red."], "features": str(feature)}),
    ("list_token_sets", lambda feature: {"query": "verb"}),
)


@dataclass(frozen=True)
class ServerRow:
    """Half and 95 of 100 calls (`calls` of them) took no more milliseconds than these."""

    call: str
    calls: int
    p50_ms: float
    p95_ms: float


def report(progress: Progress = silent, calls: int = CALLS, starts: int = _STARTS) -> Report:
    """Latency of single calls through an HTTP client, and of the start."""
    import asyncio

    rows = asyncio.run(_measured(calls, starts, progress))
    cells = [(row.call, row.calls, f"{row.p50_ms:.0f} ms", f"{row.p95_ms:.0f} ms") for row in rows]
    return Report.of("server_speed", rows, markdown_table(("call", "calls", "p50", "p95"), cells))


async def _measured(calls: int, starts: int, progress: Progress) -> list[ServerRow]:
    from mcp import Client

    rows = [_row("start until tools/list (stdio)", [await _start() for _ in range(starts)])]
    with _served() as url:
        async with Client(url) as client:
            firing = await _ready(client)
            for number, (name, arguments) in enumerate(_QUESTIONS, 1):
                taken: list[float] = []
                for feature in np.resize(firing, calls).tolist():
                    begun = time.perf_counter()
                    await _asked(client, name, arguments(feature))
                    taken.append(1000 * (time.perf_counter() - begun))
                rows.append(_row(name, taken))
                progress("calls", number, len(_QUESTIONS))
    return rows


def _row(call: str, taken: list[float]) -> ServerRow:
    return ServerRow(call, len(taken), float(np.median(taken)), float(np.percentile(taken, 95)))


async def _ready(client: Client) -> list[int]:
    """Ask every question once, waiting for what has to be made first; features that fire, to ask about."""
    found = await _asked(client, "find_features", {"text": "A red car and a little girl named Lily.", "limit": 60})
    firing = [row["feature"] for row in found["features"]]
    for name, arguments in _QUESTIONS:
        await _asked(client, name, arguments(firing[0]))
    return firing


async def _asked(client: Client, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer of a call, waited for where it becomes a job; raises TseaError where it fails."""
    deadline = time.monotonic() + _READY_SECONDS
    answer = _read(name, await client.call_tool(name, arguments))
    while answer.get("state") in ("queued", "running") and time.monotonic() < deadline:
        waited = {"job_id": answer["job_id"], "wait_seconds": 10}
        answer = _read(name, await client.call_tool("get_job", waited))
    return answer.get("result", answer)


def _read(name: str, result: CallToolResult) -> dict[str, Any]:
    text = getattr(result.content[0], "text", "{}")
    if result.is_error:
        raise TseaError(f"{name} failed: {text}")
    return json.loads(text)


async def _start() -> float:
    """Milliseconds from starting a server over stdio to its list of tools."""
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    begun = time.perf_counter()
    program = StdioServerParameters(command=_SERVE[0], args=[*_SERVE[1:]], env=dict(os.environ))
    async with Client(stdio_client(program)) as client:
        await client.list_tools()
        return 1000 * (time.perf_counter() - begun)


@contextlib.contextmanager
def _served() -> Iterator[str]:
    """The address of a server with a database that ends with it."""
    with (
        tempfile.TemporaryDirectory(prefix="tsea-speed-") as folder,
        served_apart([*_SERVE, "--http", "--port", "0", "--db", f"sqlite:///{folder}/speed.db"]) as url,
    ):
        yield url
