"""A conversation with a language model, mostly about one feature, within what its context holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..llm.client import LlmClient
from ..llm.errors import ContextOverflowError, LlmError
from ..llm.messages import Reply, Request
from ..llm.spending import BudgetError
from . import prompts
from .outcome import FailedError

# What another feature would meet too: no feature has failed by it, and the run cannot go on.
_OF_THE_RUN = ("no key", "no server", "unknown model", "no tool calling")
_KEPT = 2  # answers of tools that stay when older ones are left out


@dataclass(frozen=True)
class Style:
    """How a model is asked: its name, randomness, and the most tokens of a reply."""

    model: str
    temperature: float | None = None
    max_tokens: int = 2048


class Conversation:
    """Messages so far, as they are sent and, in `transcript`, as they were first.

    `shorter` are openings with less in them, for contexts that overflow, made when needed.
    """

    def __init__(
        self,
        client: LlmClient,
        style: Style,
        feature: int | None,
        system: str,
        opening: str,
        *,
        tools: Sequence[dict[str, Any]] = (),
        shorter: Sequence[Callable[[], Awaitable[str]]] = (),
        seed: int | None = None,
    ) -> None:
        self._client, self._style, self._feature, self._tools, self._seed = client, style, feature, tools, seed
        self._shorter = list(shorter)
        self._messages: list[dict[str, Any]] = []
        self.transcript: list[dict[str, Any]] = []
        self._add({"role": "system", "content": system})
        self.say(opening)

    def say(self, text: str) -> None:
        """Add a message of the user."""
        self._add({"role": "user", "content": text})

    def answer(self, call_id: str, text: str) -> None:
        """Add what a tool answered."""
        self._add({"role": "tool", "tool_call_id": call_id, "content": text})

    def _add(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        self.transcript.append(dict(message))

    async def reply(self) -> Reply:
        """The model's next message, which is added.

        Raises FailedError where this feature cannot be labelled, and LlmError or BudgetError where no other can.
        """
        while True:
            request = Request(
                self._style.model,
                tuple(self._messages),
                self._tools,
                temperature=self._style.temperature,
                max_tokens=self._style.max_tokens,
                seed=self._seed,
            )
            try:
                reply = await self._client.complete(request, self._feature)
            except ContextOverflowError as error:
                if not await self._shorten():
                    raise FailedError("context overflow", str(error)) from error
            except LlmError as error:
                if error.reason in _OF_THE_RUN:
                    raise
                raise FailedError(error.reason, str(error)) from error  # type: ignore[arg-type]
            except BudgetError as error:
                if error.scope == "run":
                    raise
                raise FailedError("budget of the feature", str(error)) from error
            else:
                self._add(reply.message)
                return reply

    async def _shorten(self) -> bool:
        """Leave out old answers of tools, else take a shorter opening; whether there was anything to leave out."""
        answers = [message for message in self._messages if message["role"] == "tool"]
        old = [message for message in answers[:-_KEPT] if message["content"] != prompts.LEFT_OUT]
        for message in old:
            message["content"] = prompts.LEFT_OUT
        if old or not self._shorter:
            return bool(old)
        self._messages[1] = {"role": "user", "content": await self._shorter.pop(0)()}
        self.transcript.append(dict(self._messages[1]))
        return True
