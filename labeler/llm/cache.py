"""Replies that were paid for, kept by what was asked: the same request is not paid twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from weakref import WeakValueDictionary

from ...tools.errors import TseaError
from ...tools.storage.cache import ByteCache
from ...tools.storage.home import home
from .messages import Reply

_log = logging.getLogger(__name__)


class ReplyCache:
    """Replies as JSON in a folder (default: `replies` in `home()`); entries that are damaged count as absent."""

    def __init__(self, folder: Path | None = None) -> None:
        self._cache = ByteCache(folder or home() / "replies")
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def reply(self, key: str, pay: Callable[[], Awaitable[Reply]]) -> Reply:
        """The reply kept under `key`, else what `pay` brings; of several who ask at once, one pays."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            kept = await asyncio.to_thread(self._get, key)
            if kept is not None:
                return kept
            reply = await pay()
            await asyncio.to_thread(self._keep, key, reply)
            return reply

    def close(self) -> None:
        """Close the connections; a later use opens them again."""
        self._cache.close()

    def _get(self, key: str) -> Reply | None:
        data = self._cache.get(key)
        try:
            return None if data is None else Reply.from_json(data)
        except ValueError:
            return None

    def _keep(self, key: str, reply: Reply) -> None:
        try:
            self._cache.set(key, reply.to_json())
        except TseaError as error:
            _log.warning("A reply that was paid for could not be kept: %s", error)
