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
    """One run on record; features by status count the best of their labels, `decoy_rate` is None until it is known.

    `model` is the language model's name, None for labelers that ask none.
    """

    run: str
    subject: str
    labeler: str | None
    model: str | None
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
            model=run.config.get("model"),
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
    (USD) and `tokens` are what was paid for replies as the server counted them, None where nothing was asked of a
    language model; `unpriced` counts replies whose cost is not known, `estimated_tokens` is the most that requests
    without a whole reply can have taken.
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
    estimated_tokens: int

    @classmethod
    def read(cls, records: Records, run: Run) -> RunDetails:
        """The details of a stored run."""
        labels = without_retried(records.labels(run))
        line = RunResult.of(run, records.statuses().get(run.id, {}))
        spent = records.spent(run)
        paid, estimated = spent.total("paid"), spent.total("estimated")
        return cls(
            **line.model_dump(),
            subject_hash=run.subject_hash,
            config=run.config,
            summary=run.summary,
            claims=dict(Counter(label.claim for label in labels)),
            failures=dict(Counter(failure_reason(x) for x in labels if x.status == "failed").most_common()),
            rows=records.sizes(run),
            tests=sum(entry.n_tests for entry in records.ledger(run)),
            cost=paid.cost if paid.requests > paid.unpriced else None,
            tokens=paid.tokens if paid.requests else None,
            unpriced=paid.unpriced,
            estimated_tokens=estimated.tokens,
        )


def without_retried(labels: Sequence[Label]) -> list[Label]:
    """Labels in the order written, without failures of features that were labelled again."""
    last = {label.feature: label.id for label in labels}
    return [label for label in labels if label.status != "failed" or last[label.feature] == label.id]


def failure_reason(label: Label) -> str:
    """Why a label failed, one line."""
    reason = " ".join((label.reason or "").split())
    return inert(reason, _LONGEST_REASON) or "no reason on record"
