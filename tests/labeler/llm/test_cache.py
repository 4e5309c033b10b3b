from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tsea.labeler.llm.cache import ReplyCache
from tsea.labeler.llm.messages import Reply, ToolCall, Usage
from tsea.tools.errors import TseaError
from tsea.tools.storage.cache import ByteCache

REPLY = Reply("text", (ToolCall("1", "f", "{}"),), "tool_calls", Usage(10, 5, 3))


class Payer:
    """Pays for replies, and counts them."""

    def __init__(self, *failures: Exception) -> None:
        self.paid = 0
        self._failures = list(failures)

    async def __call__(self) -> Reply:
        self.paid += 1
        await asyncio.sleep(0.01)
        if self._failures:
            raise self._failures.pop(0)
        return REPLY


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[ReplyCache]:
    opened = ReplyCache(tmp_path / "replies")
    yield opened
    opened.close()


def test_a_reply_is_paid_once_also_after_reopening(cache: ReplyCache, tmp_path: Path) -> None:
    pay = Payer()
    first, second = asyncio.run(cache.reply("a", pay)), asyncio.run(cache.reply("a", pay))
    again = asyncio.run(ReplyCache(tmp_path / "replies").reply("a", pay))
    assert (first.cached, second.cached, again.cached) == (False, True, True)
    assert first == REPLY and (second.text, second.tool_calls, second.usage) == (
        REPLY.text,
        REPLY.tool_calls,
        REPLY.usage,
    )
    assert pay.paid == 1
    asyncio.run(cache.reply("b", pay))
    assert pay.paid == 2


def test_of_several_who_ask_at_once_one_pays(cache: ReplyCache) -> None:
    async def work(pay: Payer) -> list[Reply]:
        return await asyncio.gather(*[cache.reply("a", pay) for _ in range(8)])

    pay = Payer()
    replies = asyncio.run(work(pay))
    assert pay.paid == 1
    assert [reply.cached for reply in replies] == [False] + [True] * 7


def test_where_the_first_fails_the_next_pays(cache: ReplyCache) -> None:
    async def work(pay: Payer) -> list[object]:
        return await asyncio.gather(*[cache.reply("a", pay) for _ in range(3)], return_exceptions=True)

    pay = Payer(TseaError("no"))
    failed, paid, kept = asyncio.run(work(pay))
    assert isinstance(failed, TseaError)
    assert isinstance(paid, Reply) and isinstance(kept, Reply)
    assert (pay.paid, paid.cached, kept.cached) == (2, False, True)


def test_a_damaged_entry_is_paid_again(cache: ReplyCache, tmp_path: Path) -> None:
    with ByteCache(tmp_path / "replies") as below:
        for damaged in (b"", b"{}", REPLY.to_json()[:-5]):
            below.set("a", damaged)
            pay = Payer()
            assert asyncio.run(cache.reply("a", pay)) == REPLY
            assert pay.paid == 1
            assert asyncio.run(cache.reply("a", pay)).cached


def test_a_reply_that_cannot_be_kept_is_not_lost(
    cache: ReplyCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(self: ByteCache, key: str, value: bytes) -> None:
        raise TseaError("no space left")

    monkeypatch.setattr(ByteCache, "set", full)
    with caplog.at_level(logging.WARNING):
        assert asyncio.run(cache.reply("a", Payer())) == REPLY
    assert "could not be kept: no space left" in caplog.text


def test_the_disk_is_not_waited_for_on_the_event_loop(cache: ReplyCache, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []

    def slow(self: ByteCache, *arguments: object) -> None:
        threads.append(threading.current_thread())

    monkeypatch.setattr(ByteCache, "get", slow)
    monkeypatch.setattr(ByteCache, "set", slow)
    asyncio.run(cache.reply("a", Payer()))
    assert len(threads) == 2 and threading.current_thread() not in threads


def test_replies_have_a_folder_of_their_own(tmp_path: Path) -> None:
    ReplyCache().close()
    assert (tmp_path / "tsea_home" / "replies" / "cache.db").exists()
