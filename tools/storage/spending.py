"""What a run's requests to LLMs came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields

from sqlalchemy import Connection, func, select

from .tables import Spending, SpendingKind


@dataclass(frozen=True)
class Total:
    """Requests, their tokens, and their cost in USD; `unpriced` counts requests whose cost is not known."""

    requests: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0

    @property
    def tokens(self) -> int:
        """Of prompts and completions."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Total) -> Total:
        return Total(*(mine + others for mine, others in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class Spent:
    """Totals of a run by feature and kind, as far as there are any."""

    by_feature: Mapping[int, Mapping[SpendingKind, Total]]

    def total(self, *kinds: SpendingKind) -> Total:
        """Of all features, requests of these kinds."""
        of_features = self.by_feature.values()
        return sum((totals[kind] for totals in of_features for kind in kinds if kind in totals), Total())


def spent(connection: Connection, run_id: int) -> Spent:
    """The totals of a run."""
    query = (
        select(
            Spending.feature,
            Spending.kind,
            func.count().label("requests"),
            func.sum(Spending.prompt_tokens).label("prompt_tokens"),
            func.sum(Spending.cached_tokens).label("cached_tokens"),
            func.sum(Spending.completion_tokens).label("completion_tokens"),
            func.coalesce(func.sum(Spending.cost), 0.0).label("cost"),
            (func.count() - func.count(Spending.cost)).label("unpriced"),
        )
        .where(Spending.run_id == run_id)
        .group_by(Spending.feature, Spending.kind)
        .order_by(Spending.feature)
    )
    by_feature: dict[int, dict[SpendingKind, Total]] = {}
    for row in connection.execute(query).mappings():
        numbers = {field.name: row[field.name] for field in fields(Total)}
        by_feature.setdefault(row["feature"], {})[row["kind"]] = Total(**numbers)
    return Spent(by_feature)
