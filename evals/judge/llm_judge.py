"""A language model as the judge: at temperature 0, answers in JSON, one repair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...labeler.agent.model_thread import ModelThread
from ...labeler.llm.client import LlmClient
from ...labeler.llm.errors import LlmError
from ...labeler.llm.messages import AnyRequest, EmbeddingRequest, Reply, Request
from ...labeler.llm.spending import BudgetError
from ...tools.errors import UsageError
from .judge import Asked, Judge, Question
from .reading import entries
from .settings import JudgeSettings

REPAIRS = 1  # of an answer that cannot be read, or that leaves items out
# What every other question would meet too.
_OF_THE_RUN = ("no key", "no server", "unknown model")
_REPAIR = (
    "That cannot be read: {error} Answer again, with one JSON object and nothing else: the numbers 1 to {count}, each "
    "with its answer."
)


class LlmJudge(Judge):
    """Asks through a client, which keeps to budgets and limits; the feature pays."""

    def __init__(self, client: LlmClient, settings: JudgeSettings, thread: ModelThread) -> None:
        super().__init__(settings, thread)
        self._client = client

    async def _ask(self, feature: int, question: Question) -> Asked:
        messages, asked = question.messages, Asked()
        while (reply := await self._reply(feature, self._request(messages), asked)) is not None:
            error = _read(reply.text, question, asked.found)
            if error is None or len(asked.replies) > REPAIRS:
                break
            repair = {"role": "user", "content": _REPAIR.format(error=error, count=question.count)}
            messages = [*messages, reply.message, repair]
        return asked

    async def _embed(self, feature: int, request: EmbeddingRequest) -> Asked:
        asked = Asked()
        reply = await self._reply(feature, request, asked)
        asked.found = {} if reply is None else dict(enumerate(reply.vectors))
        return asked

    def _request(self, messages: Sequence[Mapping[str, Any]]) -> Request:
        own = self.settings
        return Request(own.model, messages, temperature=0.0, max_tokens=own.max_tokens, seed=own.seed)

    async def _reply(self, feature: int, request: AnyRequest, asked: Asked) -> Reply | None:
        """The reply, which is noted; None where there is none: then, if it is the first, why."""
        try:
            reply = await self._client.complete(request, feature)
        except LlmError as error:
            if error.reason in _OF_THE_RUN:
                raise
            reason, self.failure = error.reason, str(error)
        except BudgetError as error:
            if error.scope == "run":
                raise
            reason = "budget of the feature"
        else:
            asked.replies.append(reply)
            return reply
        asked.reason = asked.reason if asked.replies else reason
        return None


def _read(text: str, question: Question, found: dict[int, Any]) -> str | None:
    """Add the values of an answer to those found before, and say what is wrong with it; None where nothing is."""
    try:
        found |= entries(text, question.count, question.kind)
    except UsageError as error:
        return str(error)
    missing = [str(place + 1) for place in range(question.count) if place not in found]
    return f"no answer, or none of the right kind, to {', '.join(missing)}." if missing else None
