"""Limits that all requests to one server share: a minute's requests and tokens, and how many run at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from ...tools.errors import UsageError

WINDOW = 60.0  # seconds


@dataclass
class Admitted:
    """A request that was let through at a time of the loop's clock, with the tokens it is thought to take."""

    time: float
    tokens: int


class Limits:
    """Lets requests through in the order they came, for use on one event loop.

    In any 60 seconds at most `requests_per_minute` begin, and their tokens are at most `tokens_per_minute`; a request
    of more tokens than that goes alone. At most `concurrency` run at once. None: no limit.
    """

    def __init__(
        self, concurrency: int = 32, requests_per_minute: int | None = None, tokens_per_minute: int | None = None
    ) -> None:
        for name, limit in (
            ("concurrency", concurrency),
            ("requests a minute", requests_per_minute),
            ("tokens a minute", tokens_per_minute),
        ):
            if limit is not None and limit < 1:
                raise UsageError(f"{name[0].upper()}{name[1:]} must be at least 1, not {limit}.")
        self._requests, self._tokens = requests_per_minute, tokens_per_minute
        self._places = asyncio.Semaphore(concurrency)
        self._turn = asyncio.Lock()  # asyncio's locks are fair: the first that waits is the next
        self._changed = asyncio.Event()
        self._admitted: deque[Admitted] = deque()
        self._paused_until = float("-inf")

    @contextlib.asynccontextmanager
    async def place(self, tokens: int) -> AsyncIterator[Admitted]:
        """Wait for a place for a request of about `tokens`, and hold it; `used` tells what it really took."""
        async with self._places:
            async with self._turn:
                await self._admissible(tokens)
                admitted = Admitted(_now(), tokens)
                self._admitted.append(admitted)
            yield admitted

    def used(self, admitted: Admitted, tokens: int) -> None:
        """Correct what a request was thought to take."""
        admitted.tokens = tokens
        self._changed.set()

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long: the server asked for it."""
        self._paused_until = max(self._paused_until, _now() + seconds)

    async def _admissible(self, tokens: int) -> None:
        while (delay := self._ready(tokens) - _now()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._changed.wait()

    def _ready(self, tokens: int) -> float:
        """When a request of so many tokens may go, as things stand."""
        now = _now()
        while self._admitted and self._admitted[0].time + WINDOW <= now:
            self._admitted.popleft()
        ready = self._paused_until
        if self._requests is not None and len(self._admitted) >= self._requests:
            ready = max(ready, self._admitted[0].time + WINDOW)
        if self._tokens is not None:
            room = self._tokens - tokens - sum(one.tokens for one in self._admitted)
            for one in self._admitted:
                if room >= 0:
                    break
                room += one.tokens
                ready = max(ready, one.time + WINDOW)
        return ready


def _now() -> float:
    return asyncio.get_running_loop().time()
