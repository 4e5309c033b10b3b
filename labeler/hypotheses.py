"""Hypotheses of a label: structured statements that a program can test again."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

from ..tools.storage.tables import Label


class Hypothesis(BaseModel):
    """What a feature does to a set of tokens (output, `spec` a TokenSetSpec), or what it fires on (input, InputSpec).

    Output: `effect` is the mass (nats) on open tokens, for a few named tokens their concentration; p-values and q come
    from open tokens, q from the present null over the whole run; `echo` is the share of the feature's strongest firings
    on tokens of the set itself, which has the share `base` of all tokens. Input: `effect` is the share of the strongest
    firings on open documents that the hypothesis fits, as `base` of all tokens do; random encoder directions are the
    only null. `holds` says whether confirm tokens or documents agree (None: not testable).
    """

    side: Literal["output", "input"]
    direction: Literal["promotes", "suppresses", "fires"]
    spec: dict[str, Any]
    effect: float
    base: float | None = None
    echo: float | None = None
    p_present: float | None
    p_specific: float
    q: float
    holds: bool | None


class LabelResult(BaseModel):
    """One label as every front door shows it.

    `echo` is that of the first thing it promotes or suppresses; `reason` says why a failed one failed.
    """

    feature: int
    status: Literal["labelled", "no_claim", "failed"]
    text: str
    kind: str
    claim: Literal["specific", "present", "none"]
    hypotheses: list[Hypothesis]
    echo: float | None
    confidence: float | None
    q: float | None
    reason: str | None
    run: str

    @classmethod
    def of(cls, label: Label, run: str) -> LabelResult:
        """The result of a stored label of a run."""
        fields = {name: getattr(label, name) for name in cls.model_fields if name not in ("run", "echo")}
        # Labels of earlier versions have none.
        echoes = [hypothesis.get("echo") for hypothesis in label.hypotheses]
        return cls.model_validate(fields | {"run": run, "echo": next((e for e in echoes if e is not None), None)})
