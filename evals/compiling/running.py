"""Compiling the labels of a run from end to end: the model's server, payments, and the run that holds the result."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ...labeler.agent.conversation import Style
from ...labeler.agent.payments import RunPayments, earlier_payments
from ...labeler.llm.cache import ReplyCache
from ...labeler.llm.client import LlmClient
from ...labeler.llm.endpoint import Endpoint
from ...labeler.llm.limits import Limits
from ...labeler.llm.prices import Prices
from ...labeler.llm.spending import Budget, Spending
from ...tools.progress import Progress, silent
from ...tools.storage.records import Records
from ...tools.storage.tables import Run
from ...tools.workbench import Workbench
from .runs import compile_run, open_compiled_run
from .texts import resolvable


@dataclass(frozen=True)
class Compiling:
    """Which model compiles, on which server, within which bounds."""

    model: str
    endpoint: Endpoint = field(default_factory=Endpoint)
    concurrency: int = 8
    prices: Prices = field(default_factory=Prices)
    per_run: Budget = field(default_factory=Budget)


def compile_texts_of(
    workbench: Workbench,
    records: Records,
    run: Run,
    asked: Compiling,
    name: str | None = None,
    *,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> Run:
    """The run that holds the compiled labels of `run`, complete; what it cost is recorded as its own.

    By default it is RUN.compiled. Raises as `open_compiled_run` and `compile_run` do; what is compiled is kept.
    """
    style = Style(asked.model, 0.0)
    compiled = open_compiled_run(records, run, style, name)
    if retry_failed:
        records.retire_failed(compiled)
    return asyncio.run(_compiled(workbench, records, run, compiled, asked, style, progress))


async def _compiled(
    workbench: Workbench, records: Records, run: Run, compiled: Run, asked: Compiling, style: Style, progress: Progress
) -> Run:
    cache, writer = ReplyCache(), ThreadPoolExecutor(1, "writer")
    spending = Spending(
        asked.prices,
        per_run=asked.per_run,
        recorder=RunPayments(records, compiled, writer),
        earlier=earlier_payments(records, compiled, asked.model),
    )
    try:
        async with LlmClient(
            asked.endpoint, limits=Limits(asked.concurrency), cache=cache, spending=spending
        ) as client:
            return await compile_run(records, run, compiled, client, style, resolvable(workbench), progress)
    finally:
        writer.shutdown(wait=True)
        cache.close()
