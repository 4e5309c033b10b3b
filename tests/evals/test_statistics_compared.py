from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tsea.evals.candidates import FEW, YARDSTICK, Combination, cauchy, mass_score, means_of
from tsea.evals.statistics_compared import Comparison, Measured, Scale, p_of_counts, table, with_shuffled_sets
from tsea.tools.workbench import Workbench

SCALE = Scale(references=3072, random=512, features=400)


@pytest.fixture(scope="module")
def comparison(pocket_bench: Workbench) -> Comparison:
    return Comparison(pocket_bench, SCALE)


def test_shuffled_sets_keep_sizes_and_overlaps_but_not_members(pocket_bench: Workbench) -> None:
    view, sets = pocket_bench.views["open"], len(pocket_bench.sets)
    doubled = with_shuffled_sets(view)
    np.testing.assert_array_equal(doubled.sets.sizes, np.tile(view.sets.sizes, 2))
    true, shuffled = doubled.membership[:, :sets], doubled.membership[:, sets:]
    np.testing.assert_array_equal(true, view.membership)
    np.testing.assert_array_equal(true.T @ true, shuffled.T @ shuffled)
    assert (true != shuffled).any()


def test_the_mass_finds_shuffled_sets_and_a_rank_statistic_does_not(comparison: Comparison) -> None:
    mass, ranks = comparison.rows((means_of({"mass": mass_score(1)}), YARDSTICK))
    assert mass.shuffled > 0.2 > 0.1 > ranks.shuffled
    assert mass.random < 0.1 and ranks.random < 0.1
    assert ranks.excess_over_both > mass.excess_over_both
    assert mass.holds is not None and ranks.holds is not None and ranks.holds > mass.holds


def test_p_values_count_the_draws_that_reach_a_value() -> None:
    reference = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 7.0]], dtype=np.float32)
    observed = np.array([[2.0, 7.5], [0.0, 5.0]], dtype=np.float32)
    np.testing.assert_allclose(p_of_counts(reference, observed), [[3 / 4, 1 / 4], [1, 1]])


def test_figures_of_a_row_agree_with_each_other(comparison: Comparison) -> None:
    (row,) = comparison.rows((FEW[-1],))
    assert row.excess == pytest.approx(row.features - row.random)
    assert row.excess_over_both == pytest.approx(row.features - max(row.random, row.shuffled))
    assert 0 < row.se < 0.05
    assert (row.subject, row.hook) == ("pocket", "blocks.3.hook_resid_post")
    assert row.holds is not None and 0 <= row.holds <= 1


def test_a_combination_of_one_part_is_that_part(comparison: Comparison) -> None:
    mass = means_of({"mass": mass_score(1)})
    alone, combined = comparison.rows((mass,), [Combination("again", ("mass",), cauchy)])
    assert dataclasses.replace(combined, statistic="mass") == alone


def test_the_table_has_a_line_for_each_row() -> None:
    row = Measured("pocket", "hook", "whitened", "mean", 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, None)
    lines = table([row, row]).splitlines()
    assert len(lines) == 4
    assert lines[2].startswith("| pocket | whitened | mean | 0.000 | 0.100 |") and lines[2].endswith("| 0.600 |  |")
