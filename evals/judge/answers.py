"""What a judge answered about items, what it did not, and what that took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...labeler.llm.messages import Usage
from ..scores import Score

UNPARSED = "unparsed"


@dataclass(frozen=True)
class Took:
    """Requests that were replied to, how many of the replies came from the cache, tokens of all, USD for the others.

    `cost` is None where a reply that was paid for has no price. What a run really paid, failures included, stands in
    its records.
    """

    requests: int = 0
    cached: int = 0
    usage: Usage = Usage()
    cost: float | None = 0.0

    def __add__(self, other: Took) -> Took:
        cost = None if self.cost is None or other.cost is None else self.cost + other.cost
        return Took(self.requests + other.requests, self.cached + other.cached, self.usage + other.usage, cost)


@dataclass(frozen=True)
class Answers:
    """Values by item, None where there is none; `reasons` counts these: UNPARSED, else why the request failed."""

    values: tuple[Any | None, ...]
    reasons: Counter[str] = field(default_factory=Counter)
    took: Took = Took()

    @property
    def answered(self) -> int:
        """Items with an answer."""
        return sum(value is not None for value in self.values)

    @property
    def failed(self) -> int:
        """Items whose request failed."""
        return self.reasons.total() - self.reasons[UNPARSED]

    def score(
        self,
        measure: Callable[[list[int], list[Any]], float | str],
        *,
        batch: int,
        shown: Sequence[Any] | None = None,
        **details: Any,
    ) -> Score:
        """What a measure makes of the items answered and their values, or why it makes nothing of them.

        `batch`: items in a prompt; `shown`: what is kept of the answers where that is not their values.
        """
        there = [item for item, value in enumerate(self.values) if value is not None]
        found = measure(there, [self.values[item] for item in there]) if there else self._none()
        value, unscored = (None, found) if isinstance(found, str) else (found, None)
        kept = self.values if shown is None else shown
        return Score(value, len(there), unscored, details | self._details() | {"batch": batch, "answers": list(kept)})

    def _none(self) -> str:
        if self.reasons.keys() == {UNPARSED}:
            return "the judge gave no answer that can be read"
        return f"the judge gave no answer: {', '.join(sorted(self.reasons)) or 'nothing was asked'}"

    def _details(self) -> dict[str, Any]:
        failures = {reason: count for reason, count in self.reasons.items() if reason != UNPARSED}
        return {
            "asked": len(self.values),
            "answered": self.answered,
            "unparsed": self.reasons[UNPARSED],
            "failed": self.failed,
            **({"failures": failures} if failures else {}),
            "requests": self.took.requests,
            "cached": self.took.cached,
            "prompt_tokens": self.took.usage.prompt,
            "completion_tokens": self.took.usage.completion,
            "cost": self.took.cost,
        }


def all_failed(details: Mapping[str, Any]) -> bool:
    """Whether a score with these details has no answer because every request for one failed."""
    return bool(details.get("failed")) and details["failed"] == details["asked"]
