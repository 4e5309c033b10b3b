"""One request to the server, once: bytes, or why there are none."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict

from .endpoint import NO_KEY, Endpoint
from .faults import Failure, Server, broken_off, of_status, timed_out, unreachable
from .messages import AnyRequest, EmbeddingRequest, Request, encoded

FEATURE_HEADER = "X-Tsea-Feature"  # for whoever reads a proxy's log
_PATHS = {Request: "/chat/completions", EmbeddingRequest: "/embeddings"}
_RENAMED = {"max_tokens": "max_completion_tokens"}  # by models that think before they answer
_DROPPED = {"temperature", "seed"}  # which those models do not let anybody choose

_log = logging.getLogger(__name__)


class Connection:
    """Requests over openai's SDK, without its retries; raises NoKeyError where the environment has no key."""

    def __init__(self, endpoint: Endpoint) -> None:
        import openai

        key = endpoint.key()
        self._endpoint = endpoint
        self._secret = "" if key == NO_KEY else key
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=endpoint.base_url,
            max_retries=0,
            timeout=openai.Timeout(endpoint.call_seconds, connect=endpoint.connect_seconds),
        )
        self._untaken: dict[str, set[str]] = defaultdict(set)  # parameters by model

    def server(self, request: AnyRequest) -> Server:
        """Who is asked for what, for messages."""
        service = "chat completion" if isinstance(request, Request) else "embedding"
        return Server(self._endpoint.base_url, request.model, self._endpoint.key_variable, self._secret, service)

    async def answer(self, request: AnyRequest, feature: int | None = None) -> bytes | Failure:
        """The body of the answer to one request.

        Not by the SDK's own methods, which take milliseconds of the event loop to look through tools' schemas.
        """
        import httpx2
        import openai

        headers = {} if feature is None else {FEATURE_HEADER: str(feature)}
        server, seconds = self.server(request), self._endpoint.call_seconds
        try:
            async with asyncio.timeout(seconds):
                response = await self._client.post(
                    _PATHS[type(request)],
                    cast_to=httpx2.Response,
                    content=self._spoken(request),
                    options={"headers": headers},
                )
        except (TimeoutError, openai.APITimeoutError) as error:
            if isinstance(error.__cause__, httpx2.ConnectTimeout):
                return unreachable(server, f"no connection in {self._endpoint.connect_seconds:g} seconds")
            return timed_out(server, seconds)
        except openai.APIStatusError as error:
            response = error.response
            failure = of_status(
                server, response.status_code, response.headers, response.content, with_tools=bool(request.tools)
            )
            return self._adapted(request.model, failure)
        except openai.APIConnectionError as error:
            what = server.quoted(str(error.__cause__ or error))
            never_sent = isinstance(error.__cause__, httpx2.ConnectError | httpx2.UnsupportedProtocol)
            return unreachable(server, what) if never_sent else broken_off(server, what)
        return response.content

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    def _spoken(self, request: AnyRequest) -> bytes:
        """The request in the words of its model."""
        untaken = self._untaken.get(request.model)
        if not untaken:
            return request.data
        kept = {name: value for name, value in request.body.items() if name not in untaken & _DROPPED}
        return encoded({_RENAMED.get(name, name) if name in untaken else name: kept[name] for name in kept})

    def _adapted(self, model: str, failure: Failure) -> Failure:
        """Leave out from now on what the model does not take, and try again."""
        name, untaken = failure.parameter, self._untaken[model]
        if name is None or name in untaken or name not in _DROPPED | _RENAMED.keys():
            return failure
        untaken.add(name)
        _log.warning("%s takes no %s: %s.", model, name, "renamed" if name in _RENAMED else "its own is used")
        return Failure(failure.error, again=True)
