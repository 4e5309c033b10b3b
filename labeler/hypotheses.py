"""Hypotheses of a label: structured statements that a program can test again."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from ..tools.storage.tables import Label


class Hypothesis(BaseModel):
    """What a feature does to a set of tokens, `spec`, a TokenSetSpec.

    `effect` is the mass (nats) on open tokens, for a few named tokens their concentration. p-values and q come from
    open tokens, q from the present null over the whole run; `holds` says whether confirm tokens agree (None: not
    testable).
    """

    side: Literal["output", "input"]
    direction: Literal["promotes", "suppresses", "fires"]
    spec: dict[str, Any]
    effect: float
    p_present: float
    p_specific: float
    q: float
    holds: bool | None


class LabelResult(BaseModel):
    """One label as every front door shows it."""

    feature: int
    status: Literal["labelled", "no_claim", "failed"]
    text: str
    kind: str
    claim: Literal["specific", "present", "none"]
    hypotheses: list[Hypothesis]
    confidence: float | None
    q: float | None
    run: str

    @classmethod
    def of(cls, label: Label, run: str) -> LabelResult:
        """The result of a stored label of a run."""
        fields = {name: getattr(label, name) for name in cls.model_fields if name != "run"}
        return cls.model_validate(fields | {"run": run})
