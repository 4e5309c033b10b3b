"""Scoring many statements by a judge: several at once, each kept as soon as it is scored."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ...labeler.agent.model_thread import ModelThread
from ...labeler.agent.payments import RunPayments, earlier_payments
from ...labeler.llm.cache import ReplyCache
from ...labeler.llm.client import LlmClient
from ...labeler.llm.limits import Limits
from ...labeler.llm.spending import Spending
from ...tools.errors import TseaError
from ...tools.storage.records import Records
from ...tools.storage.tables import Run
from ..scorers.judged import JudgedScorer
from ..scores import Score, Statement
from .answers import all_failed
from .judge import Judge
from .llm_judge import LlmJudge
from .settings import JudgeSettings

# So many scores in a row without any answer, for failures of requests, mean that the server is gone.
LOST = 8


@dataclass(frozen=True)
class Task:
    """A statement about a feature, to be scored on items; `control` names it where it is a control of the label."""

    feature: int
    scorer: JudgedScorer[Any]
    items: Any
    statement: Statement
    control: str = ""


class JudgeLostError(TseaError):
    """The judge's server is gone; what is scored is kept, and the same command goes on with the rest."""


def score_by_judge(
    tasks: Iterable[Task],
    settings: JudgeSettings,
    keep: Callable[[Task, Score], object],
    *,
    payments: tuple[Records, Run] | None = None,
) -> Spending:
    """Score tasks in any order and hand each score to `keep` at once; what was spent, earlier processes included.

    Tasks are drawn when they are needed, in the thread in which the subject's model works, so that making their items
    may take long; `keep` is called in one other thread, in which payments are recorded too. Tasks whose scores were
    kept are the caller's to leave out; a score that `all_failed` should be asked for again. Raises LlmError or
    BudgetError where the judge cannot go on, and JudgeLostError; what was kept stays.
    """
    return asyncio.run(_scored(iter(tasks), settings, keep, payments))


async def _scored(
    tasks: Iterator[Task],
    settings: JudgeSettings,
    keep: Callable[[Task, Score], object],
    payments: tuple[Records, Run] | None,
) -> Spending:
    with ThreadPoolExecutor(1, "writer") as writer:
        spending = _spending(settings, writer, payments)
        async with opened(settings, spending) as judge:
            await _Scoring(tasks, judge, keep, writer).run(settings.concurrency)
    return spending


def _spending(settings: JudgeSettings, writer: Executor, payments: tuple[Records, Run] | None) -> Spending:
    kept: dict[str, Any] = {}
    if payments is not None:
        kept = {"recorder": RunPayments(*payments, writer), "earlier": earlier_payments(*payments, settings.model)}
    return Spending(settings.prices, per_run=settings.per_run, per_feature=settings.per_feature, **kept)


@contextlib.asynccontextmanager
async def opened(settings: JudgeSettings, spending: Spending) -> AsyncIterator[LlmJudge]:
    """A judge whose replies are cached in `home()`; raises NoKeyError without a key."""
    thread, cache = ModelThread(), ReplyCache()
    limits = Limits(settings.concurrency, settings.requests_per_minute, settings.tokens_per_minute)
    try:
        async with LlmClient(
            settings.endpoint, limits=limits, retries=settings.retries, cache=cache, spending=spending
        ) as client:
            yield LlmJudge(client, settings, thread)
    finally:
        thread.close()
        cache.close()


class _Scoring:
    """One pass over tasks; where one of them cannot go on, the others end theirs first."""

    def __init__(
        self, tasks: Iterator[Task], judge: Judge, keep: Callable[[Task, Score], object], writer: Executor
    ) -> None:
        self._tasks, self._judge, self._keep, self._writer = tasks, judge, keep, writer
        self._drawing = asyncio.Lock()
        self._lost = 0
        self._stopped: Exception | None = None

    async def run(self, workers: int) -> None:
        """Score all tasks, so many at once."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work())
        if self._stopped is not None:
            raise self._stopped

    async def _work(self) -> None:
        try:
            while self._stopped is None and (task := await self._next()) is not None:
                score = await task.scorer.score(task.feature, task.items, task.statement, self._judge)
                await asyncio.get_running_loop().run_in_executor(self._writer, self._keep, task, score)
                self._watch(score)
        except (TseaError, OSError) as error:
            self._stopped = self._stopped or error

    async def _next(self) -> Task | None:
        async with self._drawing:
            return await self._judge.thread.run(lambda: next(self._tasks, None))

    def _watch(self, score: Score) -> None:
        self._lost = self._lost + 1 if all_failed(score.details) else 0
        if self._lost >= LOST:
            why = self._judge.failure or score.unscored
            raise JudgeLostError(
                f"The judge failed to answer anything for the last {LOST} scores ({why}) Mend that, then go on with "
                "the same command."
            )
