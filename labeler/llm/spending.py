"""Budgets of features and of a run, which stop before they are exceeded, and what was spent of them.

Money is set aside before a request for the most it can cost, so that requests in flight at once cannot exceed a budget
together.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from ...tools.errors import TseaError, UsageError
from .messages import Usage
from .payments import COMPLETE, Recorder, Spent, Total
from .prices import Prices

Scope = Literal["run", "feature"]


class BudgetError(TseaError):
    """A budget has no room for the next request; `scope` says whose."""

    def __init__(self, message: str, scope: Scope) -> None:
        super().__init__(message)
        self.scope: Scope = scope


@dataclass(frozen=True)
class Budget:
    """The most to spend, in USD and in tokens (prompt and completion); None: no bound."""

    max_cost: float | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        for name, bound in (("cost", self.max_cost), ("number of tokens", self.max_tokens)):
            if bound is not None and not bound > 0:
                raise UsageError(f"A budget's {name} must be above 0, not {bound}.")


@dataclass(eq=False)
class Reservation:
    """Room in the budgets for one request; what it really takes is told by `sent`, then `settle` or `unpaid`."""

    feature: int | None
    model: str
    most: Usage
    prices: Prices
    request: str = ""  # hash
    spent: Spent | None = None

    @cached_property
    def cost(self) -> float | None:
        """The most that the request can cost, in USD."""
        return self.prices.cost(self.model, self.most)

    def sent(self) -> None:
        """The server may charge it from now on: unless told otherwise, the most it can cost counts as spent."""
        self.lost("interrupted")

    def lost(self, why: str) -> None:
        """No reply came whole: the server may have charged it nonetheless."""
        self.settle(self.most, why, estimated=True)

    def settle(self, usage: Usage, outcome: str = COMPLETE, *, estimated: bool = False) -> None:
        """The reply came, and took this."""
        cost = self.prices.cost(self.model, usage)
        self.spent = Spent(self.feature, self.model, usage, cost, outcome, estimated, self.request)

    def unpaid(self) -> None:
        """The server did not do the work."""
        self.spent = None


@dataclass
class _Held:
    """What is set aside for requests in flight."""

    requests: int = 0
    tokens: int = 0
    cost: float = 0.0

    def add(self, reservation: Reservation, sign: int) -> None:
        self.requests += sign
        self.tokens += sign * reservation.most.total
        self.cost = self.cost + sign * (reservation.cost or 0.0) if self.requests else 0.0


class Spending:
    """All payments of a run, those of its `earlier` processes included; for use on one event loop."""

    def __init__(
        self,
        prices: Prices | None = None,
        *,
        per_run: Budget | None = None,
        per_feature: Budget | None = None,
        recorder: Recorder | None = None,
        earlier: Iterable[Spent] = (),
    ) -> None:
        self.prices = prices or Prices()
        self._per_run, self._per_feature = per_run or Budget(), per_feature or Budget()
        self._recorder = recorder
        self._features: dict[int | None, Total] = defaultdict(Total)
        self._run = Total()
        self._held_run = _Held()
        self._held_features: dict[int | None, _Held] = defaultdict(_Held)
        self._settled = asyncio.Event()  # replaced by a new one each time
        for spent in earlier:
            cost = self.prices.cost(spent.model, spent.usage) if spent.cost is None else spent.cost
            self._add(replace(spent, cost=cost))

    @property
    def run(self) -> Total:
        """What the run has cost."""
        return self._run

    def feature(self, feature: int | None) -> Total:
        """What one feature has cost."""
        return self._features.get(feature, Total())

    @contextlib.asynccontextmanager
    async def reserved(
        self, feature: int | None, model: str, most: Usage, request: str = ""
    ) -> AsyncIterator[Reservation]:
        """Set `most` aside for one request, by its hash; waits where only requests in flight leave no room.

        Raises BudgetError where there is none even if these cost nothing, and UsageError where a budget in USD meets a
        model without a price.
        """
        reservation = Reservation(feature, model, most, self.prices, request)
        if reservation.cost is None and (self._per_run.max_cost or self._per_feature.max_cost):
            raise UsageError(
                f"No price is known for the model {model}, so no cost can be bounded: give its price, or bound tokens."
            )
        while self._exceeded(reservation, beside_others=True):
            if stop := self._exceeded(reservation, beside_others=False):
                raise stop
            await self._settled.wait()
        self._hold(reservation, 1)
        try:
            yield reservation
        finally:
            self._close(reservation)

    def _close(self, reservation: Reservation) -> None:
        self._hold(reservation, -1)
        if reservation.spent is not None:
            self._add(reservation.spent)
        self._settled.set()
        self._settled = asyncio.Event()
        if reservation.spent is not None and self._recorder is not None:
            self._recorder.record(reservation.spent)

    def _hold(self, reservation: Reservation, sign: int) -> None:
        for held in (self._held_run, self._held_features[reservation.feature]):
            held.add(reservation, sign)
        if not self._held_features[reservation.feature].requests:
            del self._held_features[reservation.feature]

    def _exceeded(self, asked: Reservation, *, beside_others: bool) -> BudgetError | None:
        """Which budget the request would exceed, with or without what is set aside for others."""
        held = self._held_run if beside_others else _Held()
        stop = _beyond(self._per_run, "run", self._run, held, asked)
        if stop or asked.feature is None:
            return stop
        held = self._held_features.get(asked.feature) if beside_others else None
        return _beyond(self._per_feature, "feature", self.feature(asked.feature), held or _Held(), asked)

    def _add(self, spent: Spent) -> None:
        self._run = self._run.plus(spent)
        self._features[spent.feature] = self._features[spent.feature].plus(spent)


def _beyond(budget: Budget, scope: Scope, total: Total, held: _Held, asked: Reservation) -> BudgetError | None:
    """Why a request does not fit a budget beside what is spent and what is set aside for others."""
    spent = total.all
    if budget.max_cost is not None and spent.cost + held.cost + (asked.cost or 0.0) > budget.max_cost:
        return BudgetError(
            f"The {scope}'s budget of {budget.max_cost:g} USD has no room: {spent.cost:.4g} USD are spent, and the "
            f"next request may cost {asked.cost:.2g}. Give more, or a lower limit of tokens for each reply.",
            scope,
        )
    if budget.max_tokens is not None and spent.usage.total + held.tokens + asked.most.total > budget.max_tokens:
        return BudgetError(
            f"The {scope}'s budget of {budget.max_tokens} tokens has no room: {spent.usage.total} are spent, and the "
            f"next request may take {asked.most.total}. Give more, or a lower limit of tokens for each reply.",
            scope,
        )
    return None
