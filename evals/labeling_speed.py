"""What a run by a language model costs beyond the model and the tools themselves: `tsea eval labeling-speed`.

A server that stands in for a language model answers after 200 ms, 32 requests at once. No run can be faster than all
latency shared by 32, nor than the tools, which work one after another; the ratio says how far the runner is from the
larger of both. Meanwhile the event loop is asked every 10 ms whether it is free. The index and the caches of the
bundled subject are those in TSEA_HOME, where the first call makes them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ..labeler.agent.model_thread import ModelThread
from ..tools.files import atomic_write
from ..tools.progress import Progress, silent
from .results import Report, markdown_table
from .stand_in_llm import MODEL, serving
from .stopwatch import apart

if TYPE_CHECKING:
    from ..labeler.llm.cache import ReplyCache
    from ..labeler.llm.client import LlmClient
    from ..labeler.llm.spending import Spending
    from ..tools.storage.records import Records
    from ..tools.storage.tables import Run
    from ..tools.workbench import Workbench

LATENCY = 0.2  # seconds
CONCURRENCY = 32
FEATURES = 64
_REQUESTS = 40  # for each feature, of the client alone
_WORDS = 4000  # of a prompt of the client alone, about what a briefing and the list of tools come to
_PROBE_SECONDS = 0.01
_T = TypeVar("_T")


@dataclass(frozen=True)
class LabelingRow:
    """A run of so many requests: seconds of latency for each of 32 places, of tools, and of the clock.

    `ratio` is the clock over the larger of both; `loop_p99_ms` the delay of the event loop that 1 of 100 probes met.
    """

    work: str
    requests: int
    latency_share: float
    tools: float
    wall: float
    ratio: float
    loop_p99_ms: float


def report(features: int = FEATURES, progress: Progress = silent) -> Report:
    """The agent on the bundled subject, and the client alone, whose tools would take no time."""
    rows: list[LabelingRow] = []
    for number, work in enumerate((_agent, _client), 1):
        with serving(LATENCY) as url:
            rows.append(apart(work, url, features))
        progress("runs", number, 2)
    cells = [
        (row.work, row.requests, *(f"{value:.1f} s" for value in (row.latency_share, row.tools, row.wall)))
        + (f"{row.ratio:.2f}", f"{row.loop_p99_ms:.0f} ms")
        for row in rows
    ]
    headers = ("work", "requests", "latency / 32", "tools", "wall", "ratio", "loop p99")
    return Report.of("labeling_speed", rows, markdown_table(headers, cells))


class _TimedThread(ModelThread):
    """Adds up how long tools work."""

    seconds = 0.0

    async def run(self, work: Callable[[], _T]) -> _T:
        def timed() -> _T:
            begun = time.perf_counter()
            try:
                return work()
            finally:
                self.seconds += time.perf_counter() - begun

        return await super().run(timed)


def _agent(url: str, features: int) -> LabelingRow:
    from ..tools.storage.records import Records
    from ..tools.workbench import Workbench

    workbench = Workbench.open()
    live = np.flatnonzero(workbench.subject.alive)
    with tempfile.TemporaryDirectory(prefix="tsea-speed-") as folder, Records(f"sqlite:///{folder}/runs.db") as records:
        run = records.open_run("speed", workbench.subject.name, workbench.subject.hash, {})
        # Alone, the first feature makes what all need: index, nulls, rankings.
        for chosen in (live[:1], live[1 : features + 1]):
            row = asyncio.run(_labelled(url, workbench, records, run, chosen, Path(folder)))
        return row


async def _labelled(
    url: str, workbench: Workbench, records: Records, run: Run, features: np.ndarray, folder: Path
) -> LabelingRow:
    from ..labeler.agent.conversation import Style
    from ..labeler.agent.holders import new_holder
    from ..labeler.agent.investigator import Agent
    from ..labeler.agent.payments import RunPayments
    from ..labeler.agent.runner import Runner
    from ..labeler.llm.cache import ReplyCache
    from ..labeler.llm.spending import Spending

    thread, writer, cache = _TimedThread(), ThreadPoolExecutor(1), ReplyCache(folder / "replies")
    spending = Spending(recorder=RunPayments(records, run, writer))
    async with _asking(url, cache, spending) as client:
        runner = Runner(
            workbench,
            records,
            run,
            Agent(Style(MODEL), thread),
            client=client,
            holder=new_holder(),
            concurrency=CONCURRENCY,
            writer=writer,
            keep=lambda feature, messages: atomic_write(folder / str(feature), json.dumps(messages).encode()),
        )
        with _probed() as delays:
            begun = time.perf_counter()
            await runner.label(features.tolist())
            wall = time.perf_counter() - begun
    thread.close()
    writer.shutdown()
    cache.close()
    return _row("the agent on pocket", spending.run.counted.requests, thread.seconds, wall, delays)


def _client(url: str, features: int) -> LabelingRow:
    with tempfile.TemporaryDirectory(prefix="tsea-speed-") as folder:
        return asyncio.run(_asked(url, features * _REQUESTS, Path(folder)))


async def _asked(url: str, requests: int, folder: Path) -> LabelingRow:
    from ..labeler.llm.cache import ReplyCache
    from ..labeler.llm.messages import Request

    cache = ReplyCache(folder)
    async with _asking(url, cache) as client:

        async def ask(numbers: Iterator[int]) -> None:
            for number in numbers:
                messages = [{"role": "system", "content": "word " * _WORDS}, {"role": "user", "content": f"{number}."}]
                await client.complete(Request(MODEL, tuple(messages)))

        await ask(iter([-1]))
        with _probed() as delays:
            begun, numbers = time.perf_counter(), iter(range(requests))
            await asyncio.gather(*(ask(numbers) for _ in range(CONCURRENCY)))
            wall = time.perf_counter() - begun
    cache.close()
    return _row("the client alone", requests, 0.0, wall, delays)


def _asking(url: str, cache: ReplyCache, spending: Spending | None = None) -> LlmClient:
    from ..labeler.llm.client import LlmClient
    from ..labeler.llm.endpoint import Endpoint
    from ..labeler.llm.limits import Limits

    return LlmClient(Endpoint(url), limits=Limits(CONCURRENCY), cache=cache, spending=spending)


@contextlib.contextmanager
def _probed() -> Iterator[list[float]]:
    """Seconds by which the running event loop is late, again and again."""
    delays: list[float] = []

    async def ask() -> None:
        while True:
            due = time.perf_counter() + _PROBE_SECONDS
            await asyncio.sleep(_PROBE_SECONDS)
            delays.append(time.perf_counter() - due)

    task = asyncio.get_running_loop().create_task(ask())
    try:
        yield delays
    finally:
        task.cancel()


def _row(work: str, requests: int, tools: float, wall: float, delays: list[float]) -> LabelingRow:
    share = requests * LATENCY / CONCURRENCY
    late = 1000 * float(np.percentile(delays, 99))
    return LabelingRow(work, requests, share, tools, wall, wall / max(share, tools), late)
