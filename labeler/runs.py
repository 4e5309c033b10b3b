"""Runs as every front door shows them: one line of a list, and everything about one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from ..tools.inert import inert
from ..tools.storage.records import Records
from ..tools.storage.tables import Claim, Label, Run, Status

_LONGEST_REASON = 200


class RunResult(BaseModel):
    """One run on record; features by status count the best of their labels, `decoy_rate` is None until it is known."""

    run: str
    subject: str
    labeler: str | None
    created: str
    finished: str | None
    features: int
    labelled: int
    no_claim: int
    failed: int
    decoy_rate: float | None

    @classmethod
    def of(cls, run: Run, statuses: Mapping[Status, int]) -> RunResult:
        """The result of a stored run whose features have these statuses."""
        return cls(
            run=run.name,
            subject=run.subject,
            labeler=run.config.get("labeler"),
            created=f"{run.created:%Y-%m-%d %H:%M}",
            finished=f"{run.finished:%Y-%m-%d %H:%M}" if run.finished else None,
            features=sum(statuses.values()),
            labelled=statuses.get("labelled", 0),
            no_claim=statuses.get("no_claim", 0),
            failed=statuses.get("failed", 0),
            decoy_rate=(run.summary or {}).get("decoy_rate"),
        )


class RunDetails(RunResult):
    """Everything about one run.

    `claims` and `failures` (by reason) count labels, `rows` what each table holds, `tests` the ledger's tests. `cost`
    (USD) and `tokens` add up what labels state in their provenance; None where none does, and `unpriced` counts the
    labels that state tokens and no cost.
    """

    subject_hash: str
    config: dict[str, Any]
    summary: dict[str, Any] | None
    claims: dict[Claim, int]
    failures: dict[str, int]
    rows: dict[str, int]
    tests: int
    cost: float | None
    tokens: int | None
    unpriced: int

    @classmethod
    def read(cls, records: Records, run: Run) -> RunDetails:
        """The details of a stored run."""
        labels = records.labels(run)
        line = RunResult.of(run, records.statuses().get(run.id, {}))
        costs = [_amount(label.provenance.get("cost")) for label in labels]
        tokens = [_amount(label.provenance.get("tokens")) for label in labels]
        return cls(
            **line.model_dump(),
            subject_hash=run.subject_hash,
            config=run.config,
            summary=run.summary,
            claims=dict(Counter(label.claim for label in labels)),
            failures=dict(Counter(failure_reason(x) for x in labels if x.status == "failed").most_common()),
            rows=records.sizes(run),
            tests=sum(entry.n_tests for entry in records.ledger(run)),
            cost=_total(costs),
            tokens=None if (total := _total(tokens)) is None else int(total),
            unpriced=sum(c is None and t is not None for c, t in zip(costs, tokens, strict=True)),
        )


def failure_reason(label: Label) -> str:
    """Why a label failed, one line."""
    reason = " ".join((label.reason or "").split())
    return inert(reason, _LONGEST_REASON) or "no reason on record"


def _amount(stated: Any) -> float | None:
    """A number, or the sum of numbers by name, as {"prompt": 900, "completion": 80}."""
    if isinstance(stated, Mapping):
        return _total([_amount(value) for value in stated.values()])
    return float(stated) if isinstance(stated, (int, float)) else None


def _total(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None
