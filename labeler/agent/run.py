"""A run of labels by a language model, from its settings to its summary."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...tools.activations.indexing import has_index
from ...tools.storage.records import Records
from ...tools.storage.tables import Label, Run
from ...tools.workbench import Workbench
from ..batch import feature_ranges
from ..llm.cache import ReplyCache
from ..llm.client import LlmClient
from ..llm.endpoint import Endpoint
from ..llm.limits import Limits
from ..llm.prices import Prices
from ..llm.retries import Retries
from ..llm.spending import Budget, Spending
from .asking import LabelerName, ModelLabeler
from .conversation import Style
from .holders import new_holder, release_dead
from .investigator import STEPS, Agent
from .model_thread import ModelThread
from .one_shot import BestOf, OneShot
from .payments import RunPayments, earlier_payments
from .runner import Counts, Runner
from .transcripts import keep_transcript

CONCURRENCY = 8


@dataclass(frozen=True)
class ModelRun:
    """How a language model is to label: which labeler and model, on which server, within which bounds."""

    labeler: LabelerName
    style: Style
    endpoint: Endpoint = field(default_factory=Endpoint)
    steps: int = STEPS
    concurrency: int = CONCURRENCY
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    prices: Prices = field(default_factory=Prices)
    per_run: Budget = field(default_factory=Budget)
    per_feature: Budget = field(default_factory=Budget)
    retries: Retries = field(default_factory=Retries)

    @property
    def config(self) -> dict[str, Any]:
        """What a run of these settings depends on."""
        return self.made(ModelThread()).config

    def made(self, thread: ModelThread) -> ModelLabeler:
        """The labeler, whose tools work on this thread."""
        if self.labeler == "agent":
            return Agent(self.style, thread, self.steps)
        if self.labeler == "best-of-k":
            return BestOf(self.style, thread)
        return OneShot(self.style, thread, self.labeler)


def label_by_model(
    workbench: Workbench,
    records: Records,
    features: np.ndarray,
    asked: ModelRun,
    *,
    run_name: str | None = None,
    retry_failed: bool = False,
    holder: str | None = None,
    told: Callable[[Counts, Spending], object] = lambda counts, spending: None,
) -> Run:
    """Label features in a run and return it, complete; features that have their label are not labelled again.

    `retry_failed`: those that failed are. `holder` names this worker among those that share the run. Raises UsageError
    when a run of that name exists with other settings, and RunStoppedError, LlmError or BudgetError where the run
    cannot go on; what is done is kept.
    """
    run = open_model_run(workbench, records, features, asked, run_name, retry_failed=retry_failed)
    release_dead(records, run)
    asyncio.run(_label(workbench, records, run, features, asked, holder or new_holder(), told))
    return finish(records, run)


def open_model_run(
    workbench: Workbench,
    records: Records,
    features: np.ndarray,
    asked: ModelRun,
    name: str | None,
    *,
    retry_failed: bool = False,
) -> Run:
    """The run of these settings on this subject, new or taken up again; `retry_failed` opens what failed again."""
    settings = asked.config | {
        "library": workbench.library.hash,
        "index": workbench.reading.index if has_index(workbench.subject) else None,
        "features": feature_ranges(features),
    }
    run = records.open_run(name, workbench.subject.name, workbench.subject.hash, settings)
    if retry_failed:
        records.retire_failed(run)
    return run


def finish(records: Records, run: Run) -> Run:
    """The run, complete, with its summary."""
    records.finish(run, run_summary(records, run))
    return records.run(run.name)


async def _label(
    workbench: Workbench,
    records: Records,
    run: Run,
    features: np.ndarray,
    asked: ModelRun,
    holder: str,
    told: Callable[[Counts, Spending], object],
) -> None:
    thread, cache, writer = ModelThread(), ReplyCache(), ThreadPoolExecutor(1, "writer")
    labeler = asked.made(thread)
    spending = Spending(
        asked.prices,
        per_run=asked.per_run,
        per_feature=asked.per_feature,
        recorder=RunPayments(records, run, writer),
        earlier=earlier_payments(records, run, asked.style.model),
    )
    limits = Limits(asked.concurrency, asked.requests_per_minute, asked.tokens_per_minute)
    try:
        async with LlmClient(
            asked.endpoint, limits=limits, retries=asked.retries, cache=cache, spending=spending
        ) as client:
            runner = Runner(
                workbench,
                records,
                run,
                labeler,
                client=client,
                holder=holder,
                concurrency=asked.concurrency,
                writer=writer,
                keep=lambda feature, messages: keep_transcript(run, feature, messages),
                told=lambda counts: told(counts, spending),
            )
            await runner.label(features.tolist())
    finally:
        thread.close()
        writer.shutdown(wait=True)
        cache.close()


def run_summary(records: Records, run: Run) -> dict[str, Any]:
    """Final labels of a run by status, claim and reason, and what they cost."""
    final: list[Label] = [label for label in records.labels(run) if label.batch_key is not None]
    paid, estimated = (records.spent(run).total(kind) for kind in ("paid", "estimated"))  # type: ignore[arg-type]
    statuses, claims = Counter(label.status for label in final), Counter(label.claim for label in final)
    return {
        "features": len(final),
        **{status: statuses[status] for status in ("labelled", "no_claim", "failed")},
        **{claim: claims[claim] for claim in ("present", "specific")},
        "reasons": dict(Counter(label.reason for label in final if label.reason)),
        "requests": paid.requests,
        "prompt_tokens": paid.prompt_tokens,
        "completion_tokens": paid.completion_tokens,
        "cost": None if paid.unpriced else paid.cost,
        "estimated_requests": estimated.requests,
        "estimated_tokens": estimated.tokens,
    }
