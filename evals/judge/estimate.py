"""What scoring by a judge would take, before anything is paid: the real prompts, and typical answers to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from pydantic import BaseModel

from ...labeler.agent.model_thread import ModelThread
from ...labeler.llm.messages import EmbeddingRequest, Request, Usage
from ...labeler.llm.tokens import TokenEstimate
from ...tools.inert import compact_json
from .judge import Asked, Judge, Question
from .running import Task
from .settings import JudgeSettings
from .windows import numbered


class JudgeEstimate(BaseModel):
    """Requests and tokens that so many scores take; `cost` in USD, None without a price."""

    scores: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None

    def times(self, scores: int) -> JudgeEstimate:
        """For another number of scores of the same mixture."""
        share = scores / max(1, self.scores)
        return JudgeEstimate(
            scores=scores,
            requests=round(self.requests * share),
            prompt_tokens=round(self.prompt_tokens * share),
            completion_tokens=round(self.completion_tokens * share),
            cost=None if self.cost is None else self.cost * share,
        )


def judge_estimate(tasks: Iterable[Task], settings: JudgeSettings) -> JudgeEstimate:
    """What these tasks would take, every answer being read at once and none in the cache; nobody is asked."""
    return asyncio.run(_counted(tasks, settings))


async def _counted(tasks: Iterable[Task], settings: JudgeSettings) -> JudgeEstimate:
    thread = ModelThread()
    judge, scores = _Counting(settings, thread), 0
    try:
        for task in tasks:
            scores += 1
            await task.scorer.score(task.feature, task.items, task.statement, judge)
    finally:
        thread.close()
    return JudgeEstimate(
        scores=scores,
        requests=judge.requests,
        prompt_tokens=judge.usage.prompt,
        completion_tokens=judge.usage.completion,
        cost=judge.cost,
    )


class _Counting(Judge):
    """Counts questions instead of asking them."""

    def __init__(self, settings: JudgeSettings, thread: ModelThread) -> None:
        super().__init__(settings, thread)
        self._tokens = TokenEstimate()
        self.requests, self.usage = 0, Usage()
        self.cost: float | None = 0.0

    async def _ask(self, feature: int, question: Question) -> Asked:
        model = self.settings.model
        written = compact_json(numbered([question.kind.example] * question.count))
        prompt = self._tokens.prompt(Request(model, question.messages))
        return self._count(model, Usage(prompt, self._tokens.text(model, written)))

    async def _embed(self, feature: int, request: EmbeddingRequest) -> Asked:
        return self._count(request.model, Usage(self._tokens.prompt(request)))

    def _count(self, model: str, usage: Usage) -> Asked:
        cost = self.settings.prices.cost(model, usage)
        self.requests, self.usage = self.requests + 1, self.usage + usage
        self.cost = None if self.cost is None or cost is None else self.cost + cost
        return Asked()
