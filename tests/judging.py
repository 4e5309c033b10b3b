"""A feature that fires on one word, contexts made by hand, and judges as the tests play them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
from fake_llm import MODEL, FakeLLM, Says

from tsea.evals.exam.items import ContextItem, ContextItems, TokenItems
from tsea.evals.judge.judge import Judge
from tsea.evals.judge.running import opened
from tsea.evals.judge.settings import JudgeSettings
from tsea.evals.scorers.judged import JudgedScorer
from tsea.evals.scores import Score, Statement
from tsea.labeler.llm.endpoint import Endpoint
from tsea.labeler.llm.retries import Retries
from tsea.labeler.llm.spending import Spending
from tsea.tools.activations.part import Context
from tsea.tools.vocabulary import Vocabulary

_T = TypeVar("_T")
WORDS = [" fox", " hen", " owl", *(f" w{number}" for number in range(40))]
VOCABULARY = Vocabulary(("<s>", *WORDS), ("<s>", *WORDS), frozenset({0}))
FOX, HEN, OWL = 1, 2, 3
LABEL = Statement("Fires on fox.")
EMBEDDER = "fake-embedder"


def context(word: int, activation: float, number: int, length: int = 60) -> ContextItem:
    """A row of filler with a word at a position of its own, the only place where the feature may fire."""
    rng = np.random.default_rng(number)
    position = int(rng.integers(25, length - 10))
    tokens = rng.integers(4, len(VOCABULARY), length)
    tokens[position] = word
    activations = np.zeros(length, np.float32)
    activations[position] = activation
    kind = "firing" if activation else "neighbour"
    return ContextItem(Context(f"{number:016x}", number, tokens, activations, position), kind)


def contexts(firing: int = 10, hens: int = 3, owls: int = 7) -> ContextItems:
    """Firing contexts on fox, silent ones with a hen or an owl."""
    return ContextItems(
        tuple(context(FOX, 1.0 + number, number) for number in range(firing)),
        tuple(context(HEN if number < hens else OWL, 0.0, 1_000 + number) for number in range(hens + owls)),
        0.01,
    )


def exam(items: ContextItems | str | None = None, tokens: TokenItems | str | None = None, **workbench: Any) -> Any:
    """What scorers draw on, as far as these items go."""
    subject = SimpleNamespace(vocabulary=VOCABULARY, encoder=np.ones((1, 1)))
    return SimpleNamespace(
        contexts=SimpleNamespace(items=lambda feature: contexts() if items is None else items),
        tokens=SimpleNamespace(items=lambda feature, direction: tokens),
        workbench=SimpleNamespace(**{"subject": subject, "lock": threading.RLock()} | workbench),
    )


def settings(llm: FakeLLM, **more: Any) -> JudgeSettings:
    """A judge that gives up after two attempts."""
    given: dict[str, Any] = {"embedding_model": EMBEDDER, "retries": Retries(2, first=0.001, seed=0)}
    return JudgeSettings(MODEL, Endpoint(llm.url, call_seconds=20.0), **given | more)


def judged(llm: FakeLLM, work: Callable[[Judge], Awaitable[_T]], spending: Spending | None = None, **more: Any) -> _T:
    """What some work with a judge comes to."""

    async def all_of_it() -> _T:
        async with opened(settings(llm, **more), spending or Spending()) as judge:
            return await work(judge)

    return asyncio.run(all_of_it())


def scored(scorer: JudgedScorer[Any], llm: FakeLLM, statement: Statement = LABEL, **more: Any) -> Score:
    """What a statement about feature 7 earns."""
    items = made(scorer.items(7))
    return judged(llm, lambda judge: scorer.score(7, items, statement, judge), **more)


def made(items: _T | str) -> _T:
    """Items that could be made."""
    assert not isinstance(items, str), items
    return items


def data_of(request: dict[str, Any]) -> dict[str, Any]:
    """What the judge is shown."""
    return json.loads(request["messages"][1]["content"])


def answering(answer: Callable[[Any], Any]) -> Callable[[dict[str, Any]], Says]:
    """A judge that gives each numbered entry of a question its answer; of texts by letters, one answer to them all."""

    def play(request: dict[str, Any]) -> Says:
        data = data_of(request)
        (entries,) = (value for name, value in data.items() if name != "label")
        if "A" in entries:
            return Says(json.dumps({"1": answer(entries)}))
        return Says(json.dumps({number: answer(entry) for number, entry in entries.items()}))

    return play


def constant(answer: Any) -> Callable[[dict[str, Any]], Says]:
    """A judge that says the same of everything."""
    return answering(lambda entry: answer)
