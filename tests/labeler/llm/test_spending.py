from __future__ import annotations

import asyncio

import pytest
import virtual_clock

from tsea.labeler.llm.messages import Usage
from tsea.labeler.llm.payments import Recorded, Spent
from tsea.labeler.llm.prices import Price, Prices
from tsea.labeler.llm.spending import Budget, BudgetError, Spending
from tsea.tools.errors import UsageError

PRICES = Prices({"m": Price(prompt=1.0, completion=10.0)})
MOST = Usage(1_000_000, 100_000)  # 2 USD


async def pay(spending: Spending, usage: Usage, feature: int | None = 1, seconds: float = 0.0) -> None:
    async with spending.reserved(feature, "m", MOST) as reservation:
        reservation.sent()
        await asyncio.sleep(seconds)
        reservation.settle(usage)


def test_payments_add_up_by_feature_and_by_run() -> None:
    async def work() -> None:
        recorded = Recorded()
        spending = Spending(PRICES, recorder=recorded)
        await pay(spending, Usage(500_000, 50_000), feature=1)
        await pay(spending, Usage(100_000, 0), feature=1)
        await pay(spending, Usage(0, 10_000), feature=2)
        assert spending.feature(1).counted.usage == Usage(600_000, 50_000)
        assert spending.feature(1).counted.cost == pytest.approx(0.5 + 0.5 + 0.1)
        assert spending.feature(2).counted.cost == pytest.approx(0.1)
        assert spending.feature(3).all.requests == 0
        assert spending.run.counted.requests == 3 and spending.run.counted.cost == pytest.approx(1.2)
        assert spending.run.estimated.requests == 0
        assert [spent.feature for spent in recorded.payments] == [1, 1, 2]
        assert {(spent.outcome, spent.estimated) for spent in recorded.payments} == {("complete", False)}

    virtual_clock.run(work())


def test_what_may_have_been_charged_is_kept_apart_at_the_most_it_can_be() -> None:
    async def work() -> None:
        recorded = Recorded()
        spending = Spending(PRICES, recorder=recorded)
        async with spending.reserved(1, "m", MOST) as reservation:
            reservation.sent()
            reservation.lost("timeout")
        async with spending.reserved(1, "m", MOST) as reservation:
            reservation.sent()
            reservation.unpaid()
        async with spending.reserved(1, "m", MOST):
            pass  # never sent
        task = asyncio.create_task(pay(spending, MOST, seconds=10))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])
        assert spending.run.counted.requests == 0
        assert spending.run.estimated.usage == MOST + MOST and spending.run.estimated.cost == pytest.approx(4.0)
        assert [(spent.outcome, spent.estimated) for spent in recorded.payments] == [
            ("timeout", True),
            ("interrupted", True),
        ]

    virtual_clock.run(work())


@pytest.mark.parametrize("budget", [Budget(max_cost=3.0), Budget(max_tokens=1_500_000)])
def test_a_budget_without_room_for_the_most_of_a_request_stops_it(budget: Budget) -> None:
    async def work() -> None:
        spending = Spending(PRICES, per_run=budget)
        await pay(spending, Usage(400_000, 0))  # 0.40 USD
        await pay(spending, Usage(500_000, 50_000))  # 1.00 USD
        with pytest.raises(BudgetError, match="The run's budget of .* has no room: .* Give more") as stop:
            await pay(spending, Usage(0, 0))
        assert stop.value.scope == "run"
        assert spending.run.all.requests == 2

    virtual_clock.run(work())


def test_one_features_budget_leaves_the_others_alone() -> None:
    async def work() -> None:
        spending = Spending(PRICES, per_feature=Budget(max_cost=3.0))
        await pay(spending, MOST, feature=1)
        with pytest.raises(BudgetError, match="The feature's budget of 3 USD has no room: 2 USD are spent") as stop:
            await pay(spending, MOST, feature=1)
        assert stop.value.scope == "feature"
        await pay(spending, MOST, feature=2)

    virtual_clock.run(work())


def test_requests_in_flight_are_waited_for_where_they_may_leave_room() -> None:
    async def work() -> list[float]:
        spending, done = Spending(PRICES, per_run=Budget(max_cost=5.0)), []

        async def one() -> None:
            await pay(spending, Usage(100_000, 0), seconds=1.0)  # 0.10 of at most 2
            done.append(asyncio.get_running_loop().time())

        await asyncio.gather(*[one() for _ in range(6)])
        assert spending.run.all.cost == pytest.approx(0.6)
        return done

    assert virtual_clock.run(work()) == pytest.approx([1, 1, 2, 2, 3, 3])  # 2 + 2 fit 5, a third does not


def test_those_that_wait_are_stopped_once_the_others_leave_no_room() -> None:
    async def work() -> None:
        spending = Spending(PRICES, per_run=Budget(max_cost=5.0))
        outcomes = await asyncio.gather(*[pay(spending, MOST, seconds=1.0) for _ in range(6)], return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [type(None)] * 2 + [BudgetError] * 4
        assert spending.run.all.cost == pytest.approx(4.0)

    virtual_clock.run(work())


def test_a_budget_counts_what_earlier_processes_of_the_run_paid() -> None:
    async def work() -> None:
        earlier = [Spent(1, "m", MOST, 2.0), Spent(2, "m", MOST, 2.0, "timeout", estimated=True)]
        spending = Spending(PRICES, per_run=Budget(max_cost=5.0), earlier=earlier)
        assert (spending.run.counted.cost, spending.run.estimated.cost) == (2.0, 2.0)
        with pytest.raises(BudgetError, match="4 USD are spent"):
            await pay(spending, MOST)

    virtual_clock.run(work())


def test_tokens_that_earlier_processes_paid_without_a_price_count_at_the_price_that_is_known_now() -> None:
    async def work() -> None:
        spending = Spending(PRICES, per_run=Budget(max_cost=3.0), earlier=[Spent(1, "m", MOST, None)])
        assert (spending.run.counted.cost, spending.run.counted.unpriced) == (2.0, 0)
        with pytest.raises(BudgetError, match="2 USD are spent"):
            await pay(spending, MOST)

    virtual_clock.run(work())


def test_without_a_price_tokens_are_counted_and_a_budget_in_usd_is_refused() -> None:
    async def work() -> None:
        spending = Spending()
        async with spending.reserved(1, "m", MOST) as reservation:
            reservation.settle(Usage(10, 5))
        assert (spending.run.counted.usage.total, spending.run.counted.cost, spending.run.counted.unpriced) == (
            15,
            0,
            1,
        )
        with pytest.raises(UsageError, match="No price is known for the model m.* give its price, or bound tokens"):
            await pay(Spending(per_feature=Budget(max_cost=1.0)), MOST)

    virtual_clock.run(work())


def test_a_recorder_that_fails_does_not_hold_the_others_up() -> None:
    class Full:
        def record(self, spent: Spent) -> None:
            raise OSError("disk full")

    async def work() -> list[object]:
        spending = Spending(PRICES, per_run=Budget(max_cost=5.0), recorder=Full())
        return await asyncio.gather(*[pay(spending, Usage(), seconds=1.0) for _ in range(4)], return_exceptions=True)

    assert [type(outcome) for outcome in virtual_clock.run(work())] == [OSError] * 4


@pytest.mark.parametrize("bounds", [{"max_cost": 0.0}, {"max_cost": float("nan")}, {"max_tokens": -1}])
def test_budgets_are_above_zero(bounds: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="must be above 0"):
        Budget(**bounds)  # pyright: ignore[reportArgumentType]
