"""The features on which two runs' scores differ most, with what both say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tools.inert import inert
from ...tools.storage.tables import Label
from ..scores import FeatureScores
from .paired import Measure, Paired, ScoredRun

MOST = 5
_LONGEST_CLAIM = 200


@dataclass(frozen=True)
class Judged:
    """A label and its score: what it says, what it claims of which specification, on how many items it was scored."""

    text: str
    status: str
    claim: str
    confidence: float | None
    hypotheses: Sequence[str]
    score: float | None
    n: int
    abstains: bool

    @classmethod
    def of(cls, label: Label, scores: FeatureScores) -> Judged:
        """The label as scored."""
        return cls(
            text=inert(label.text),
            status=label.status,
            claim=label.claim,
            confidence=label.confidence,
            hypotheses=[_shown(one) for one in label.hypotheses],
            score=scores.label.value,
            n=scores.label.n,
            abstains=scores.abstained,
        )


@dataclass(frozen=True)
class Disagreement:
    """One feature, the difference of its scores (run minus baseline), and both labels."""

    feature: int
    kind: str
    difference: float
    baseline: Judged
    run: Judged


def disagreements(
    baseline: ScoredRun, run: ScoredRun, measure: Measure, paired: Paired, kinds: Mapping[int, str]
) -> list[Disagreement]:
    """The MOST features with the largest differences, the largest first; none on which the scores are the same."""
    order = np.argsort(-np.abs(paired.differences), kind="stable")[:MOST]
    found: list[Disagreement] = []
    for place in order[paired.differences[order] != 0].tolist():
        feature = int(paired.features[place])
        first, second = (Judged.of(one.labels[feature], one.scores[measure][feature]) for one in (baseline, run))
        found.append(Disagreement(feature, kinds[feature], float(paired.differences[place]), first, second))
    return found


def _shown(hypothesis: Mapping[str, Any]) -> str:
    """What a hypothesis says, its claim and q."""
    spec = inert(json.dumps(hypothesis["spec"], ensure_ascii=False), _LONGEST_CLAIM)
    figures = [hypothesis["claim"]] if hypothesis.get("claim") else []
    figures += [] if hypothesis.get("q") is None else [f"q {hypothesis['q']:.2g}"]
    return f"{hypothesis['direction']} {spec}" + (f" ({', '.join(figures)})" if figures else "")
