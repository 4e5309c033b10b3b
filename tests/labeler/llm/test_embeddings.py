"""Embeddings: asked for, cached and paid for as completions are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import fake_llm
import pytest
from fake_llm import MODEL, FakeLLM, Malformed, Status

from tsea.labeler.llm.cache import ReplyCache
from tsea.labeler.llm.client import LlmClient
from tsea.labeler.llm.endpoint import Endpoint
from tsea.labeler.llm.errors import MalformedReplyError, NoServerError
from tsea.labeler.llm.messages import EmbeddingRequest, Reply, Usage
from tsea.labeler.llm.retries import Retries


def embedded(llm: FakeLLM, *texts: str, attempts: int = 1, **parts: Any) -> Reply:
    async def work() -> Reply:
        retries = Retries(attempts, first=0.001, seed=0)
        async with LlmClient(Endpoint(llm.url), retries=retries, **parts) as client:
            return await client.complete(EmbeddingRequest(MODEL, texts), 7)

    return asyncio.run(work())


def length(text: str) -> list[float]:
    return [float(len(text)), 0.5]


def test_each_text_gets_its_vector_in_the_order_given() -> None:
    with fake_llm.serve(embed=length) as llm:
        reply = embedded(llm, "a", "abc")
    assert reply.vectors == ((1.0, 0.5), (3.0, 0.5))
    assert reply.usage == Usage(2, 0) and not reply.estimated
    assert llm.seen[0].body["input"] == ["a", "abc"] and llm.seen[0].feature == "7"


def test_a_second_request_is_answered_from_the_cache(tmp_path: Path) -> None:
    with fake_llm.serve(embed=length) as llm:
        first = embedded(llm, "a", cache=ReplyCache(tmp_path))
        again = embedded(llm, "a", cache=ReplyCache(tmp_path))
    assert len(llm.seen) == 1
    assert again.cached and again.vectors == first.vectors


def test_what_fails_is_tried_again() -> None:
    with fake_llm.serve(embed=length, faults={0: Status(500)}) as llm:
        assert embedded(llm, "a", attempts=2).vectors == ((1.0, 0.5),)


@pytest.mark.parametrize(
    "body",
    [
        '{"data": []}',
        '{"data": [{"index": 0, "embedding": "AAAA"}]}',
        '{"data": [{"index": 0, "embedding": [1, NaN]}]}',
        '{"object": "list"}',
        "[]",
    ],
)
def test_an_answer_without_vectors_is_an_error(body: str) -> None:
    with fake_llm.serve(faults={0: Malformed(body)}) as llm, pytest.raises(MalformedReplyError):
        embedded(llm, "a")


def test_a_server_without_embeddings_is_named() -> None:
    with (
        fake_llm.serve(faults={0: Status(404, "Not Found")}) as llm,
        pytest.raises(NoServerError, match="no embeddings"),
    ):
        embedded(llm, "a")
