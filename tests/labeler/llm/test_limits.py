"""Limits by a clock that jumps: every time is exact."""

from __future__ import annotations

import asyncio

import pytest
import virtual_clock

from tsea.labeler.llm.limits import Limits
from tsea.tools.errors import UsageError


async def begun(limits: Limits, tokens: list[int], seconds: float = 0.0) -> list[float]:
    """When each of some requests, made at once, begins; each takes some seconds."""
    times: list[float] = []

    async def one(count: int) -> None:
        async with limits.place(count):
            times.append(asyncio.get_running_loop().time())
            await asyncio.sleep(seconds)

    await asyncio.gather(*[one(count) for count in tokens])
    return times


def test_without_limits_all_begin_at_once() -> None:
    assert virtual_clock.run(begun(Limits(100), [10**9] * 50)) == [0.0] * 50


def test_at_most_so_many_run_at_once() -> None:
    assert virtual_clock.run(begun(Limits(2), [1] * 5, seconds=3.0)) == [0.0, 0.0, 3.0, 3.0, 6.0]


def test_no_minute_sees_more_requests_than_allowed() -> None:
    times = virtual_clock.run(begun(Limits(100, requests_per_minute=3), [1] * 8))
    assert times == pytest.approx([0, 0, 0, 60, 60, 60, 120, 120])


def test_no_minute_sees_more_requests_than_allowed_whenever_they_come() -> None:
    async def work() -> list[float]:
        limits, loop, times = Limits(100, requests_per_minute=4), asyncio.get_running_loop(), []

        async def one(delay: float) -> None:
            await asyncio.sleep(delay)
            async with limits.place(1):
                times.append(loop.time())

        await asyncio.gather(*[one(7.0 * k) for k in range(40)])
        return times

    times = virtual_clock.run(work())
    assert len(times) == 40 and times == sorted(times)
    assert all(later - earlier >= 60 - 1e-6 for earlier, later in zip(times, times[4:], strict=False))


def test_no_minute_sees_more_tokens_than_allowed() -> None:
    times = virtual_clock.run(begun(Limits(100, tokens_per_minute=100), [60, 40, 10, 90, 1]))
    assert times == pytest.approx([0, 0, 60, 60, 120])


def test_a_request_beyond_the_limit_goes_alone() -> None:
    times = virtual_clock.run(begun(Limits(100, tokens_per_minute=100), [1, 500, 1]))
    assert times == pytest.approx([0, 60, 120])


def test_requests_go_in_the_order_they_came() -> None:
    async def work() -> list[int]:
        limits, order = Limits(1, tokens_per_minute=100), []

        async def one(number: int, tokens: int) -> None:
            async with limits.place(tokens):
                order.append(number)

        await asyncio.gather(*[one(k, 90 if k % 2 else 5) for k in range(10)])  # small ones never pass large ones
        return order

    assert virtual_clock.run(work()) == list(range(10))


def test_tokens_that_were_not_taken_are_free_at_once() -> None:
    async def work() -> float:
        limits = Limits(100, tokens_per_minute=100)

        async def first() -> None:
            async with limits.place(100) as admitted:
                await asyncio.sleep(5)
                limits.used(admitted, 30)

        async def second() -> float:
            await asyncio.sleep(1)
            async with limits.place(70):
                return asyncio.get_running_loop().time()

        return (await asyncio.gather(first(), second()))[1]

    assert virtual_clock.run(work()) == 5.0


def test_a_pause_holds_everybody_and_is_never_shortened() -> None:
    async def work() -> list[float]:
        limits = Limits(100)
        limits.pause(30)
        limits.pause(10)
        return await begun(limits, [1] * 3)

    assert virtual_clock.run(work()) == pytest.approx([30, 30, 30])


def test_a_pause_while_one_waits_holds_it_too() -> None:
    async def work() -> float:
        limits = Limits(100, requests_per_minute=1)
        async with limits.place(1):
            pass
        waiting = asyncio.create_task(begun(limits, [1]))
        await asyncio.sleep(50)
        limits.pause(100)
        return (await waiting)[0]

    assert virtual_clock.run(work()) == pytest.approx(150)


def test_who_gives_up_waiting_leaves_no_trace() -> None:
    async def work() -> list[float]:
        limits = Limits(1, requests_per_minute=1)
        async with limits.place(1):
            pass
        given_up = asyncio.create_task(begun(limits, [1]))
        await asyncio.sleep(10)
        given_up.cancel()
        return await begun(limits, [1])

    assert virtual_clock.run(work()) == pytest.approx([60])


def test_waiting_wakes_nobody_in_between() -> None:
    async def work() -> int:
        limits, loop = Limits(100, requests_per_minute=1), asyncio.get_running_loop()
        steps = 0
        plain = loop.call_at

        def counted(*arguments, **named):  # noqa: ANN002, ANN003, ANN202
            nonlocal steps
            steps += 1
            return plain(*arguments, **named)

        loop.call_at = counted  # pyright: ignore[reportAttributeAccessIssue]
        await begun(limits, [1] * 20)
        return steps

    assert virtual_clock.run(work()) <= 2 * 19


@pytest.mark.parametrize("limits", [{"concurrency": 0}, {"requests_per_minute": 0}, {"tokens_per_minute": -5}])
def test_limits_below_one_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="must be at least 1, not"):
        Limits(**limits)
