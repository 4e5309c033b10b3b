"""What a run pays, kept in its records as it is paid, and read again when the run is taken up."""

from __future__ import annotations

from concurrent.futures import Executor

from ...tools.storage.records import Records
from ...tools.storage.spending import Total
from ...tools.storage.tables import Run, Spending, SpendingKind
from ..llm.messages import Usage
from ..llm.payments import Spent


class RunPayments:
    """Records every payment of a run; the `writer` does so in its turn, without being waited for."""

    def __init__(self, records: Records, run: Run, writer: Executor) -> None:
        self._records, self._run, self._writer = records, run, writer

    def record(self, spent: Spent) -> None:
        """Keep one payment."""
        row = Spending(
            feature=-1 if spent.feature is None else spent.feature,
            model=spent.model,
            request_hash=spent.request,
            prompt_tokens=spent.usage.prompt,
            cached_tokens=spent.usage.cached,
            completion_tokens=spent.usage.completion,
            cost=spent.cost,
            kind="estimated" if spent.estimated else "paid",
        )
        self._writer.submit(self._records.spend, self._run, [row])


def earlier_payments(records: Records, run: Run, model: str) -> list[Spent]:
    """What earlier processes of a run paid, a payment for each feature and kind."""
    return [
        Spent(feature, model, _usage(total), None if total.unpriced else total.cost, estimated=kind == "estimated")
        for feature, kinds in records.spent(run).by_feature.items()
        for kind, total in kinds.items()
        if _is_paid(kind)
    ]


def _is_paid(kind: SpendingKind) -> bool:
    return kind != "cached"


def _usage(total: Total) -> Usage:
    return Usage(total.prompt_tokens, total.completion_tokens, total.cached_tokens)
