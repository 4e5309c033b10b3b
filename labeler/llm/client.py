"""Asking a language model: from the cache, else within budget and limits, and again where that may help."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import replace
from types import TracebackType

from .cache import ReplyCache
from .connection import Connection
from .endpoint import Endpoint
from .faults import Failure
from .limits import Limits
from .messages import AnyRequest, Reply, Request, Usage
from .reading import embedded, understood
from .retries import Retries
from .spending import Reservation, Spending
from .tokens import TokenEstimate

_log = logging.getLogger(__name__)


class LlmClient:
    """Chat completions and embeddings from one server, for use on one event loop; raises NoKeyError without a key."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        limits: Limits | None = None,
        retries: Retries | None = None,
        cache: ReplyCache | None = None,
        spending: Spending | None = None,
    ) -> None:
        self.spending = spending or Spending()
        self.tokens = TokenEstimate()
        self._endpoint = endpoint
        self._connection = Connection(endpoint)
        self._limits = limits or Limits()
        self._retries = retries or Retries()
        self._cache = cache

    async def complete(self, request: AnyRequest, feature: int | None = None) -> Reply:
        """The reply to a request, paid by `feature`; one that is kept already costs nothing.

        Raises an LlmError with its reason where there is none, BudgetError where a budget has no room, and UsageError
        where a budget in USD meets a model without a price.
        """
        if self._cache is None:
            return await self._paid(request, feature)
        text = f"{self._endpoint.base_url.rstrip('/')} {request.hash}"
        key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        return await self._cache.reply(key, lambda: self._paid(request, feature))

    def most(self, request: AnyRequest) -> Usage:
        """The most tokens that a request is thought to take."""
        return Usage(self.tokens.prompt(request), request.max_tokens)

    async def close(self) -> None:
        """Close connections; the cache is the caller's."""
        await self._connection.close()

    async def __aenter__(self) -> LlmClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _paid(self, request: AnyRequest, feature: int | None) -> Reply:
        failures = 0
        while True:
            outcome = await self._attempt(request, feature)
            if isinstance(outcome, Reply):
                return outcome
            failures += 1
            if not outcome.again or failures >= self._retries.attempts:
                break
            wait = self._retries.wait(failures)
            _log.info("Request %s failed (%s), again in %.1f s", request.hash[:8], outcome.error.reason, wait)
            await asyncio.sleep(wait)
        raise outcome.error

    async def _attempt(self, request: AnyRequest, feature: int | None) -> Reply | Failure:
        most = self.most(request)
        async with (
            self.spending.reserved(feature, request.model, most, request.hash) as reservation,
            self._limits.place(most.total) as admitted,
        ):
            reservation.sent()
            content = await self._connection.answer(request, feature)
            outcome, usage = (content, None) if isinstance(content, Failure) else self._read(request, content)
            if usage is not None:
                self._limits.used(admitted, usage.total)
                self.tokens.learn(request, usage.prompt)
            if isinstance(outcome, Reply):
                return self._complete(request, outcome, usage, reservation)
            self._failed(outcome, usage, reservation)
            return outcome

    def _read(self, request: AnyRequest, content: bytes) -> tuple[Reply | Failure, Usage | None]:
        server = self._connection.server(request)
        if isinstance(request, Request):
            return understood(server, content)
        return embedded(server, content, len(request.texts))

    def _complete(self, request: AnyRequest, reply: Reply, usage: Usage | None, reservation: Reservation) -> Reply:
        if usage is None:
            written = reply.text + "".join(call.name + call.arguments for call in reply.tool_calls)
            estimate = Usage(self.tokens.prompt(request), self.tokens.text(request.model, written))
            reply = replace(reply, usage=estimate, estimated=True)
        reservation.settle(reply.usage, estimated=usage is None)
        return reply

    def _failed(self, failure: Failure, usage: Usage | None, reservation: Reservation) -> None:
        if usage is not None:
            reservation.settle(usage, failure.error.reason)
        elif failure.charged:
            reservation.lost(failure.error.reason)
        else:
            reservation.unpaid()
        if failure.asked:
            self._limits.pause(self._retries.asked(failure.asked))
