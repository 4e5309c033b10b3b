"""The one thread on which tools work on the subject, so that the event loop is free for the language model's server."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


class ModelThread:
    """Work done one after another in a thread of its own, in the order it was asked for."""

    def __init__(self) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(1, "model")

    async def run(self, work: Callable[[], _T]) -> _T:
        """What the work returns or raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """End the thread once its present work is done; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)
