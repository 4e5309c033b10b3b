"""What requests cost, one by one and added up: as the server counted it, and apart from that what is estimated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from .messages import Usage

COMPLETE = "complete"


@dataclass(frozen=True)
class Spent:
    """What one request cost, in tokens and, where the model has a price, USD; `feature` None: none in particular.

    `outcome` is "complete" for a reply that came whole, else why there is none: then the tokens are the most that it
    can have cost. `estimated`: not as the server counted them.
    """

    feature: int | None
    model: str
    usage: Usage
    cost: float | None
    outcome: str = COMPLETE
    estimated: bool = False
    request: str = ""  # hash


class Recorder(Protocol):
    """Keeps what was paid, for good."""

    def record(self, spent: Spent) -> None:
        """Keep one payment."""
        ...


class Recorded:
    """Payments in memory."""

    def __init__(self) -> None:
        self.payments: list[Spent] = []

    def record(self, spent: Spent) -> None:
        """Keep one payment."""
        self.payments.append(spent)


@dataclass(frozen=True)
class Sum:
    """Payments added up; `cost` of those with a price, `unpriced` the number of the others."""

    requests: int = 0
    usage: Usage = Usage()
    cost: float = 0.0
    unpriced: int = 0

    def plus(self, usage: Usage, cost: float | None) -> Sum:
        """The sum with one payment more."""
        return Sum(self.requests + 1, self.usage + usage, self.cost + (cost or 0.0), self.unpriced + (cost is None))

    def __add__(self, other: Sum) -> Sum:
        return Sum(
            self.requests + other.requests,
            self.usage + other.usage,
            self.cost + other.cost,
            self.unpriced + other.unpriced,
        )


@dataclass(frozen=True)
class Total:
    """`counted`: as the server counted it; `estimated`: apart, what it may have charged without saying so."""

    counted: Sum = Sum()
    estimated: Sum = Sum()

    def plus(self, spent: Spent) -> Total:
        """The total with one payment more."""
        if spent.estimated:
            return replace(self, estimated=self.estimated.plus(spent.usage, spent.cost))
        return replace(self, counted=self.counted.plus(spent.usage, spent.cost))

    @property
    def all(self) -> Sum:
        """Both together, which is what budgets hold against."""
        return self.counted + self.estimated
