"""Labeling the features of a run with a language model: many conversations at once, each final label written once.

Features are leased through the records, so that several processes and machines may work on one run; what one of them
leaves behind when it dies, the others take up once its leases have run out.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...tools.errors import TseaError
from ...tools.storage.records import Records
from ...tools.storage.tables import Label, Run
from ...tools.workbench import Workbench
from ..llm.client import LlmClient
from ..llm.spending import BudgetError
from .asking import ModelLabeler
from .case import Case
from .outcome import FailedError, Outcome, failed_label

LEASE_SECONDS = 120.0
AHEAD = 4  # conversations beyond those that wait for the model: what they are shown is made meanwhile
_POLL_SECONDS = 1.0
# So many features in a row that failed at the server, and none that did not, mean that the server is gone.
_LOST = 8
AT_THE_SERVER = ("unreachable", "timeout", "rate limited", "rejected")

_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """How far a run is: features by status, in this process."""

    labelled: int = 0
    no_claim: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Features that got their final label."""
        return self.labelled + self.no_claim + self.failed

    def add(self, label: Label) -> None:
        """Count a label."""
        setattr(self, label.status, getattr(self, label.status) + 1)
        if label.reason:
            self.reasons[label.reason] = self.reasons.get(label.reason, 0) + 1


class RunStoppedError(TseaError):
    """A run stopped before its end; what is done is kept, and the same command goes on with it."""


class Runner:
    """Labels the features of a run that have no final label yet.

    `keep` is given each feature's messages; `told` the counts after each label. The `writer` does one
    thing after another.
    """

    def __init__(
        self,
        workbench: Workbench,
        records: Records,
        run: Run,
        labeler: ModelLabeler,
        *,
        client: LlmClient,
        holder: str,
        concurrency: int,
        writer: concurrent.futures.Executor,
        keep: Callable[[int, Sequence[Mapping[str, Any]]], object],
        told: Callable[[Counts], object] = lambda counts: None,
    ) -> None:
        self._workbench, self._records, self._run, self._labeler = workbench, records, run, labeler
        self._client, self._concurrency, self._keep, self._told = client, concurrency, keep, told
        self._holder = holder
        self._writer = writer
        self._leased: deque[int] = deque()
        self._leasing = asyncio.Lock()
        self._lost = 0
        self._stopped: Exception | None = None
        self.counts = Counts()

    async def label(self, features: Sequence[int]) -> Counts:
        """Label them; raises RunStoppedError, LlmError or BudgetError where the run cannot go on."""
        heartbeat = asyncio.create_task(self._extend())
        try:
            await asyncio.gather(*(self._work(features) for _ in range(min(self._concurrency + AHEAD, len(features)))))
        finally:
            heartbeat.cancel()
            with contextlib.suppress(TseaError):
                await self._written(lambda: self._records.release(self._run, self._holder))
        if self._stopped is not None:
            raise self._stopped
        return self.counts

    async def _work(self, features: Sequence[int]) -> None:
        """Label one feature after another until the run stops: then others end what they can of theirs."""
        try:
            while self._stopped is None and (feature := await self._next(features)) is not None:
                await self._finish(feature)
        except (TseaError, OSError) as error:
            self._stopped = self._stopped or error

    async def _finish(self, feature: int) -> None:
        case = Case(self._workbench, self._records, self._run, feature)
        outcome = await self._labelled(case)
        paid = self._client.spending.feature(feature).counted
        outcome.label.provenance["tokens"] = {"prompt": paid.usage.prompt, "completion": paid.usage.completion}
        outcome.label.provenance["cost"] = None if paid.unpriced else paid.cost

        def write() -> None:
            self._keep(feature, outcome.messages)
            self._records.write_block(self._run, [outcome.label], *case.pending.tests_of(feature))

        await self._written(write)
        self.counts.add(outcome.label)
        self._told(self.counts)
        self._watch(outcome.label)

    async def _labelled(self, case: Case) -> Outcome:
        """The feature's outcome; what no labeler foresees is a failure of this feature, and logged."""
        try:
            return await self._labeler.label(case, self._client)
        except (TseaError, BudgetError):
            raise
        except Exception as error:
            _log.exception("Feature %s failed", case.feature)
            failure = FailedError("tool failure", f"{type(error).__name__}: {error}")
            subject = self._workbench.subject.hash
            return Outcome(failed_label(case.feature, self._labeler.config["labeler"], subject, failure), [])

    def _watch(self, label: Label) -> None:
        self._lost = self._lost + 1 if label.reason in AT_THE_SERVER else 0
        if self._lost >= _LOST:
            message = label.provenance["message"]
            raise RunStoppedError(
                f"The last {_LOST} features failed at the language model's server ({message}) Mend that, then go on "
                "with the same command and --retry failed."
            )

    async def _next(self, features: Sequence[int]) -> int | None:
        """A feature to label; None when all have their labels. Waits for those that other workers hold."""
        async with self._leasing:
            while not self._leased:
                taken = await self._written(
                    lambda: self._records.lease(self._run, features, self._holder, self._concurrency, LEASE_SECONDS)
                )
                self._leased.extend(taken)
                if not taken:
                    done = await self._written(lambda: self._records.labelled_features(self._run))
                    mine = await self._written(lambda: self._records.extend(self._run, self._holder, LEASE_SECONDS))
                    if not set(features) - done - set(mine):
                        return None
                    await asyncio.sleep(_POLL_SECONDS)
            return self._leased.popleft()

    async def _extend(self) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            await self._written(lambda: self._records.extend(self._run, self._holder, LEASE_SECONDS))

    async def _written(self, work: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)
