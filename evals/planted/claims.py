"""What labels claim, as sets of tokens and as input hypotheses, whoever wrote them."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from ...tools.inputs.spec import InputSpec, parse_input_spec
from ...tools.storage.tables import Label
from ...tools.token_sets.resolve import resolve
from ...tools.token_sets.spec import parse_spec
from ...tools.workbench import Workbench

_SIDE = {"promotes": 0, "suppresses": 1}


@dataclass(frozen=True)
class OutputClaim:
    """A set of the universe's token ids (ascending) that a label says is promoted (side 0) or suppressed (1)."""

    ids: np.ndarray
    side: int
    specific: bool


@dataclass(frozen=True)
class FeatureClaims:
    """The claims of one label, first ones first; `confidence` belongs to the first output claim, None without one."""

    feature: int
    outputs: tuple[OutputClaim, ...] = ()
    inputs: tuple[InputSpec, ...] = ()
    confidence: float | None = None


class ClaimReader:
    """Reads labels of one workbench's features."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._ids = functools.lru_cache(4096)(self._resolved)

    def claims(self, label: Label) -> FeatureClaims:
        """What a label claims; nothing where it is not `labelled`. Raises UsageError for what cannot be read."""
        if label.status != "labelled":
            return FeatureClaims(label.feature)
        stated = [one for one in label.hypotheses if one.get("claim", label.claim) != "none"]
        outputs = tuple(
            OutputClaim(
                self._ids(parse_spec(one["spec"]).to_json()),
                _SIDE[one["direction"]],
                one.get("claim", label.claim) == "specific",
            )
            for one in stated
            if one["side"] == "output"
        )
        inputs = tuple(parse_input_spec(one["spec"]) for one in stated if one["side"] == "input")
        return FeatureClaims(label.feature, outputs, inputs, label.confidence if outputs else None)

    def _resolved(self, spec: str) -> np.ndarray:
        subject = self._workbench.subject
        found = resolve(parse_spec(spec), subject.vocabulary, self._workbench.library).ids
        return np.intersect1d(found, subject.universe)


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    """Jaccard index of two sets of ids; 0 where both are empty."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(1, len(one) + len(other) - both)
