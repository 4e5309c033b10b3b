"""A judge, whoever it is: asked about numbered items batch by batch."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...labeler.agent.model_thread import ModelThread
from ...labeler.llm.messages import EmbeddingRequest, Reply
from ...tools.errors import UsageError
from ...tools.inert import compact_json, plain_data
from .answers import UNPARSED, Answers, Took
from .reading import Kind
from .settings import JudgeSettings

EMBEDDED = 32  # texts in a request for embeddings


@dataclass(frozen=True)
class Question:
    """One prompt about `count` numbered items; `data`, which is shown as JSON, is never part of the instructions."""

    system: str
    data: Mapping[str, Any]
    count: int
    kind: Kind

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As chat completions write it; texts are inert."""
        shown = compact_json(plain_data(self.data))
        return [{"role": "system", "content": self.system}, {"role": "user", "content": shown}]


@dataclass
class Asked:
    """Values by place in one batch, the replies, and why the places without a value have none."""

    found: dict[int, Any] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    reason: str = UNPARSED


class Judge(ABC):
    """Answers about items, for use on one event loop; `thread` is where the subject's own model works.

    `failure` is the message of the last request that failed.
    """

    def __init__(self, settings: JudgeSettings, thread: ModelThread) -> None:
        self.settings, self.thread = settings, thread
        self.failure = ""

    async def answers(
        self, feature: int, batches: Sequence[Sequence[int]], question: Callable[[Sequence[int]], Question]
    ) -> Answers:
        """Answers to items 0 to n - 1, each in one of the batches, as the question about its batch gets them.

        Raises LlmError or BudgetError for what any other question would meet too.
        """
        asked = await _all([self._ask(feature, question(batch)) for batch in batches])
        return self._answers(self.settings.model, batches, asked)

    async def embeddings(self, feature: int, texts: Sequence[str]) -> Answers:
        """Vectors of texts, None where the request failed; raises UsageError without an embedding model."""
        model = self.settings.embedding_model
        if model is None:
            raise UsageError("No embedding model is given: name one with --embedding-model.")
        places = range(len(texts))
        batches = [places[begin : begin + EMBEDDED] for begin in places[::EMBEDDED]]
        requests = [EmbeddingRequest(model, [texts[place] for place in batch]) for batch in batches]
        asked = await _all([self._embed(feature, request) for request in requests])
        return self._answers(model, batches, asked)

    @abstractmethod
    async def _ask(self, feature: int, question: Question) -> Asked:
        """What comes of one question."""

    @abstractmethod
    async def _embed(self, feature: int, request: EmbeddingRequest) -> Asked:
        """What comes of one request for embeddings."""

    def _answers(self, model: str, batches: Sequence[Sequence[int]], asked: Sequence[Asked]) -> Answers:
        values: list[Any | None] = [None] * sum(map(len, batches))
        reasons: Counter[str] = Counter()
        took = Took()
        for batch, one in zip(batches, asked, strict=True):
            for place, value in one.found.items():
                values[batch[place]] = value
            if missing := len(batch) - len(one.found):
                reasons[one.reason] += missing
            for reply in one.replies:
                paid = 0.0 if reply.cached else self.settings.prices.cost(model, reply.usage)
                took += Took(1, int(reply.cached), reply.usage, paid)
        return Answers(tuple(values), reasons, took)


async def _all(work: Sequence[Coroutine[Any, Any, Asked]]) -> list[Asked]:
    """The outcomes in order; where one raises, the others are ended first."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
