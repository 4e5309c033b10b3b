from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tsea.labeler.claims import LEVEL, Judged, passes, run_levels
from tsea.labeler.evidence import KEPT_P, Evidence, gather_evidence
from tsea.tools.directions import matched_directions
from tsea.tools.statistics.classes import LOCAL, UNCLASSIFIED
from tsea.tools.statistics.fdr import two_stage_q
from tsea.tools.workbench import Workbench


def _evidence(p: np.ndarray, confirm: np.ndarray | None = None) -> Evidence:
    """Evidence of directions whose p-values under both nulls are `p` (F, 2, S), cut as the product cuts it."""
    direction, side, column = np.nonzero(p <= KEPT_P)
    kept = p[direction, side, column]
    held = np.full(len(kept), 0.01) if confirm is None else confirm[direction, side, column]
    count = len(p)
    return Evidence(
        direction=direction,
        side=side,
        column=column,
        mass=-np.log(kept),
        strength=-np.log(kept),
        alignment=-np.log(kept),
        p_present=kept,
        p_specific=kept,
        confirm_present=held,
        confirm_specific=held,
        codes=np.full(count, UNCLASSIFIED),
        concentration=np.zeros(count),
        concentration_present=np.ones(count),
        concentration_specific=np.ones(count),
    )


def test_keeping_only_small_p_values_leaves_every_q_up_to_a_tenth_as_it_is() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(size=(200, 2, 15))
    p[:60, 0, :3] **= 6
    full = two_stage_q(p.reshape(200, -1))
    evidence = _evidence(p)
    found = run_levels(evidence, 15).present
    expected = full[evidence.direction, evidence.side * 15 + evidence.column]
    assert (expected <= LEVEL).any()
    small = expected <= KEPT_P
    assert np.allclose(found[small], expected[small])
    assert np.all(found[~small] > KEPT_P)


def test_a_hypothesis_must_be_selected_and_confirmed() -> None:
    q = np.array([0.01, 0.01, 0.2, 0.01])
    confirm = np.array([0.04, 0.06, 0.001, np.nan])
    assert passes(q, confirm).tolist() == [True, False, False, False]


def test_decoys_are_judged_at_the_thresholds_of_the_run_they_accompany() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0.5, 1, size=(100, 2, 10))
    p[:40, 0, 0] = 1e-6
    run = Judged.of(_evidence(p), 10)
    # The run selects 40 of 100, so within a direction BH works at .05 * 40 / 100 = .02: one test of 20 needs p <= .001.
    decoys = np.ones((2, 2, 10))
    decoys[0, 0, 0], decoys[1, 0, 0] = 0.00099, 0.00101
    judged = Judged.of_decoys(_evidence(decoys), 10, run)
    assert judged.levels.present == pytest.approx([0.00099 * 20 / 0.4, 0.00101 * 20 / 0.4])
    assert (judged.levels.present <= LEVEL).tolist() == [True, False]
    # As a run of their own, both would be selected on another scale.
    assert Judged.of(_evidence(decoys), 10).levels.present[0] != judged.levels.present[0]


def test_decoys_of_a_run_without_claims_are_none() -> None:
    run = Judged.of(_evidence(np.ones((5, 2, 3))), 3)
    decoys = np.full((1, 2, 3), 1e-9)
    assert Judged.of_decoys(_evidence(decoys), 3, run).levels.present.min() == 1


def test_rows_of_a_direction_and_its_closest_test() -> None:
    p = np.ones((3, 2, 4))
    p[0, 0, 1], p[0, 1, 2], p[2, 0, 3] = 1e-6, 1e-3, 0.05
    judged = Judged.of(_evidence(p), 4)
    assert [len(judged.rows_of(d)) for d in range(3)] == [2, 0, 1]
    closest = judged.closest(0)
    assert closest is not None and judged.evidence.column[closest] == 1
    assert judged.closest(1) is None


def test_outcomes_take_the_best_aligned_selected_test_of_each_direction() -> None:
    p, confirm = np.ones((2, 2, 3)), np.ones((2, 2, 3))
    p[0, 0, :2], p[1, 0, 2] = [1e-6, 1e-4], 1e-5
    confirm[0, 0, 0], confirm[0, 0, 1] = 0.5, 0.01
    confirm[1, 0, 2] = 0.7
    assert Judged.of(_evidence(p, confirm), 3).outcomes().tolist() == [0.5, 0.7]


def test_concentration_is_controlled_over_all_directions_of_the_run() -> None:
    evidence = _evidence(np.ones((4, 2, 3)))
    p = np.array([0.01, 0.9, 0.02, 0.8])
    levels = run_levels(replace(evidence, codes=np.full(4, LOCAL), concentration_present=p), 3)
    assert levels.concentration_present == pytest.approx([0.04, 0.9, 0.04, 0.9])


def test_evidence_of_blocks_joined_is_evidence_of_all(pocket_bench: Workbench) -> None:
    directions = matched_directions(pocket_bench.subject, 60)
    whole = gather_evidence(pocket_bench, directions)
    joined = Evidence.concatenate([gather_evidence(pocket_bench, part) for part in np.split(directions, [17, 40])])
    assert np.array_equal(whole.direction, joined.direction)
    assert np.array_equal(whole.codes, joined.codes)
    assert np.allclose(whole.p_present, joined.p_present, atol=1e-4)
    assert whole.p_present.min() > 0
