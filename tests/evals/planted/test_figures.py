from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tsea.evals.planted.claims import ClaimReader, FeatureClaims, OutputClaim
from tsea.evals.planted.figures import by_strength, calibration_error, output_row
from tsea.evals.planted.outputs import output_outcomes
from tsea.evals.planted.truth import Planted
from tsea.tools.storage.tables import Label


def test_calibration_error_weighs_the_gap_of_each_bin() -> None:
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.25, 0.25])
    held = np.array([1, 1, 1, 0, 0, 1])
    # |3.8 - 3| and |.5 - 1| over 6 labels.
    assert calibration_error(confidence, held) == pytest.approx((0.8 + 0.5) / 6)
    assert calibration_error(np.array([1.0]), np.array([1])) == 0
    assert calibration_error(np.array([]), np.array([])) is None


def _strong(planted: Planted, kind: str) -> int:
    return next(n for n, one in enumerate(planted.outputs) if one.kind == kind and one.strength == 24)


def test_claims_are_held_against_what_was_planted(planted: Planted) -> None:
    own, two, null = _strong(planted, "rival"), _strong(planted, "two"), 161
    ids = planted.outputs[own].sets[0].ids
    first, second = (one.ids for one in planted.outputs[two].sets)
    universe = planted.workbench.subject.universe
    labelled = [
        FeatureClaims(own, (OutputClaim(ids[: len(ids) // 2], 0, False), OutputClaim(ids, 0, True)), (), 0.9),
        FeatureClaims(two, (OutputClaim(second, 0, True), OutputClaim(first, 1, True)), (), 0.7),
        FeatureClaims(null, (OutputClaim(universe[:200], 0, True),), (), 0.5),
        FeatureClaims(own),
    ]
    half, both, nothing, silent = output_outcomes(planted, labelled)
    assert (half.first, half.best, half.found) == (pytest.approx(0.5, abs=0.02), 1.0, False)
    assert (half.claims, half.wrong, half.power, half.holds) == (2, 0, 1.0, True)
    # What is promoted is not suppressed.
    assert (both.first, both.found, both.claims, both.wrong) == (1.0, True, 2, 1)
    assert (nothing.claims, nothing.wrong, nothing.power) == (1, 1, None)
    assert (silent.claims, silent.first, silent.confidence, silent.holds) == (0, 0.0, None, None)
    row = output_row([half, both, nothing, silent])
    assert (row.n, row.known, row.claims) == (4, 3, 5)
    assert row.wrong_claims == pytest.approx(2 / 5) and row.recall_top1 == pytest.approx(1 / 3)
    assert row.claimed == pytest.approx(3 / 4) and row.jaccard == pytest.approx(2 / 3)
    assert [one.strength for one in by_strength([half, nothing])] == [0.0, 24.0]


def test_on_the_dictionarys_own_background_only_specific_claims_are_right_or_wrong(planted: Planted) -> None:
    there = dataclasses.replace(planted, background="dictionary")
    universe = planted.workbench.subject.universe
    said = (OutputClaim(universe[:200], 0, False), OutputClaim(universe[:300], 0, True))
    (one,) = output_outcomes(there, [FeatureClaims(161, said, (), None)])
    assert (one.claims, one.wrong, one.typical) == (1, 1, 1)


def test_labels_are_read_whoever_wrote_them(planted: Planted) -> None:
    reader = ClaimReader(planted.workbench)
    hypotheses = [
        {"side": "output", "direction": "suppresses", "spec": {"library": "pos.CD"}, "claim": "none"},
        {"side": "output", "direction": "suppresses", "spec": {"words": [" the"]}, "claim": "present"},
        {"side": "input", "direction": "fires", "spec": {"previous": {"library": "pos.CD"}}},
    ]
    label = Label(
        feature=3, status="labelled", text="", kind="", claim="specific", hypotheses=hypotheses, confidence=0.6
    )
    found = reader.claims(label)
    assert [(len(c.ids), c.side, c.specific) for c in found.outputs] == [(1, 1, False)]
    assert len(found.inputs) == 1 and found.confidence == 0.6
    label.status = "no_claim"
    assert reader.claims(label) == FeatureClaims(3)
