"""Claims about what features fire on, held against what their encoders were fitted to, and what they really fire on.

What a feature fires on is measured on held-out documents. `purity` is the share of its firings that the planted
hypothesis fits, `coverage` the share of what it fits that the feature fires on. A hypothesis counts as found where the
first claim fits nearly the same tokens there (Jaccard index FOUND or more). A claim is wrong where the tokens that were
planted are no more of its kind than all tokens are: less than LIFT times the share; every claim about a null is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...labeler.claims import LEVEL
from ...tools.activations.held_out import HeldOut
from ...tools.activations.indexing import open_index
from ...tools.inputs.matching import matches
from ...tools.inputs.spec import InputSpec
from .claims import FeatureClaims
from .token_sets import FOUND
from .truth import Planted, PlantedInput

LIFT = 2.0


@dataclass(frozen=True)
class InputOutcome:
    """One feature: `purity` and `coverage` of its firings (None for nulls and what never fires), and what was claimed.

    `first` is the Jaccard index, over held-out tokens, of the first claim with what was planted; `power`: the test of
    the planted hypothesis, known in advance, passes on open and confirm documents.
    """

    truth: PlantedInput
    purity: float | None
    coverage: float | None
    first: float
    power: float | None
    claims: int
    wrong: int

    @property
    def found(self) -> bool:
        """Whether the first claim is what was planted."""
        return self.first >= FOUND


class _HeldOutTokens:
    """The tokens of the held-out documents, what fits them and what fires there."""

    def __init__(self, planted: Planted) -> None:
        self._workbench = planted.workbench
        subject = planted.workbench.subject
        self._part = HeldOut(open_index(subject), subject.vocabulary.special)
        rows = [self._part.row(row) for row in self._part.rows.tolist()]
        self._texts = [tokens for _, tokens in rows]
        self._positions = np.concatenate([start + np.arange(len(tokens)) for start, tokens in rows])
        self._fitting: dict[str, np.ndarray] = {}

    def fitting(self, spec: InputSpec) -> np.ndarray:
        """Which tokens an input hypothesis fits, (n,) bool."""
        key = spec.to_json()
        if key not in self._fitting:
            workbench = self._workbench
            self._fitting[key] = matches(spec, self._texts, workbench.subject.vocabulary, workbench.library)
        return self._fitting[key]

    def firing(self, feature: int) -> np.ndarray:
        """Which tokens a feature fires on, (n,) bool."""
        return np.isin(self._positions, self._part.firings(feature).positions)


def input_outcomes(planted: Planted, labelled: Sequence[FeatureClaims]) -> list[InputOutcome]:
    """The outcome of every labelled feature, in order."""
    held_out = _HeldOutTokens(planted)
    return [_outcome(planted, held_out, one) for one in labelled]


def _outcome(planted: Planted, held_out: _HeldOutTokens, labelled: FeatureClaims) -> InputOutcome:
    truth = planted.inputs[labelled.feature]
    claims = len(labelled.inputs)
    if truth.spec is None:
        return InputOutcome(truth, None, None, 0.0, None, claims, claims)
    fits, fires = held_out.fitting(truth.spec), held_out.firing(labelled.feature)
    both = int((fits & fires).sum())
    said = [held_out.fitting(spec) for spec in labelled.inputs]
    return InputOutcome(
        truth=truth,
        purity=both / int(fires.sum()) if fires.any() else None,
        coverage=both / int(fits.sum()) if fits.any() else None,
        first=_jaccard(said[0], fits) if said else 0.0,
        power=_power(planted, labelled.feature, truth.spec),
        claims=claims,
        wrong=sum(not _of_its_kind(one, fits) for one in said),
    )


def _power(planted: Planted, feature: int, spec: InputSpec) -> float:
    reading = planted.workbench.reading
    found = reading.written(reading.features(np.array([feature])), spec)
    return float(found.p[0] <= LEVEL and found.confirm_p[0] <= LEVEL)


def _jaccard(one: np.ndarray, other: np.ndarray) -> float:
    return int((one & other).sum()) / max(1, int((one | other).sum()))


def _of_its_kind(said: np.ndarray, fits: np.ndarray) -> bool:
    return bool(fits.any()) and float(said[fits].mean()) >= LIFT * float(said.mean()) > 0
