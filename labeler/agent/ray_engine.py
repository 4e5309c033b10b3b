"""A run by a language model on several processes or machines: Ray starts workers, the records share features out."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...tools.errors import TseaError, UsageError
from ...tools.storage.records import Records
from ...tools.storage.spending import Total
from ...tools.storage.tables import Run
from ..llm.spending import Budget
from .holders import new_holder
from .run import ModelRun, finish, label_by_model

RESTARTS = 3  # of workers that died, in all


class _Worker:
    """One subject, opened once; labels what it is leased."""

    def __init__(self, opening: Mapping[str, Any]) -> None:
        from ...tools.workbench import Workbench

        self._workbench = Workbench.open(**opening)

    def label(self, database: str | None, features: np.ndarray, asked: ModelRun, run: str, holder: str) -> None:
        """Take features of the run until none is left."""
        with Records(database) as records:
            label_by_model(self._workbench, records, features, asked, run_name=run, holder=holder)


def label_on_ray(
    opening: Mapping[str, Any],
    database: str | None,
    run: Run,
    features: np.ndarray,
    asked: ModelRun,
    *,
    workers: int,
    address: str | None = None,
) -> Run:
    """Label the features of an open run on a Ray cluster (`address` None: one on this machine) and return it, complete.

    Workers open the subject as `opening` says and reach the same `database`. One that dies is replaced, and what it
    had begun is done by others. Limits and budgets are shared out evenly. Raises UsageError without Ray, and TseaError
    where a worker cannot go on.
    """
    try:
        ray: Any = importlib.import_module("ray")  # of an extra, and loosely typed
    except ImportError as error:
        raise UsageError("The engine ray needs Ray: pip install 'tsea[ray]'.") from error
    ray.init(address=address, log_to_driver=False, include_dashboard=False, ignore_reinit_error=True)
    try:
        actor = ray.remote(num_cpus=1)(_Worker)
        restarts = 0
        with Records(database) as records:
            share = _share(asked, workers, records.spent(run).total("paid", "estimated"))
            working: dict[Any, tuple[str, Any]] = {}

            def begin() -> None:
                worker, holder = actor.remote(dict(opening)), new_holder()
                working[worker.label.remote(database, features, share, run.name, holder)] = (holder, worker)

            for _ in range(workers):
                begin()
            while working:
                (done,), _ = ray.wait(list(working))
                holder, _worker = working.pop(done)
                try:
                    ray.get(done)
                except ray.exceptions.RayTaskError as error:
                    raise _reason(error) from None
                except ray.exceptions.RayError as error:
                    records.release(run, holder)
                    if restarts == RESTARTS:
                        raise TseaError(
                            f"{restarts + 1} workers died, the last with: {str(error).splitlines()[0]} What is done is "
                            "kept: run the same command again."
                        ) from error
                    restarts += 1
                    begin()
            return finish(records, run)
    finally:
        ray.shutdown()


def _share(asked: ModelRun, workers: int, spent: Total) -> ModelRun:
    """What each worker may ask for at once, in a minute, and in all: it counts what the run spent before as its own."""

    def part(number: int | None) -> int | None:
        return None if number is None else max(1, number // workers)

    cost, tokens = asked.per_run.max_cost, asked.per_run.max_tokens
    before = spent.prompt_tokens + spent.completion_tokens
    return dataclasses.replace(
        asked,
        concurrency=max(1, asked.concurrency // workers),
        requests_per_minute=part(asked.requests_per_minute),
        tokens_per_minute=part(asked.tokens_per_minute),
        per_run=Budget(
            None if cost is None else spent.cost + max(0.0, cost - spent.cost) / workers,
            None if tokens is None else before + max(0, tokens - before) // workers,
        ),
    )


def _reason(error: Any) -> Exception:
    """What a worker raised, as it would have been raised here."""
    cause = error.cause
    return cause if isinstance(cause, TseaError) else TseaError(f"A worker failed: {cause}")
