from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.rankings import given_ranking
from tsea.tools.statistics.enrichment import SetIndex

ITEMS = 40
SETS = SetIndex.from_positions([np.arange(12), np.arange(6, 30, 2), np.array([3])], ITEMS)


def _naive_es(values: np.ndarray, inside: np.ndarray, power: int) -> tuple[float, float]:
    """ES+ and -ES- of the definition, read where a block of ties ends."""
    best, worst = 0.0, 0.0
    total = (np.abs(values[inside].astype(float)) ** power).sum()
    for threshold in np.unique(values):
        above = values >= threshold
        gained = (np.abs(values[above & inside].astype(float)) ** power).sum() / total
        at = gained - (above & ~inside).sum() / (~inside).sum()
        best, worst = max(best, at), min(worst, at)
    return best, -worst


@settings(max_examples=10)  # each universe of another size draws its own random sets
@given(st.integers(0, 2**32 - 1))
def test_items_without_a_value_leave_the_universe_of_their_row_and_ties_count_as_blocks(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = np.maximum(generator.normal(size=(3, ITEMS)) - 0.3, 0).astype(np.float32)  # many zeros, as activations
    values[:, 0] = 1.5
    values[:, 1] = 0
    values[1, generator.permutation(ITEMS)[:15]] = np.nan
    values[2, [5, 11]] = np.nan
    found = given_ranking(values, SETS)
    assert found.ranked.tolist() == [40, 25, 38]
    for row in range(3):
        seen = ~np.isnan(values[row])
        for column, members in enumerate([np.arange(12), np.arange(6, 30, 2)]):
            inside = np.isin(np.flatnonzero(seen), members)
            of_row = values[row, seen]
            assert found.sizes[row, column] == inside.sum()
            if 0 < inside.sum() < seen.sum():
                np.testing.assert_allclose(found.values["es_p0"][row, :, column], _naive_es(of_row, inside, 0))
                wins = (of_row[inside][:, None] > of_row[~inside]).mean()
                draws = (of_row[inside][:, None] == of_row[~inside]).mean()
                np.testing.assert_allclose(found.values["rank_sum"][row, 0, column], wins + draws / 2)
                if of_row[inside].any():
                    np.testing.assert_allclose(
                        found.values["es_p1"][row, :, column], _naive_es(of_row, inside, 1), atol=1e-12
                    )


def test_unseen_items_change_nothing_but_the_universe() -> None:
    generator = np.random.default_rng(0)
    values = generator.exponential(size=(4, ITEMS)).astype(np.float32)
    kept = np.arange(10, ITEMS)
    with_gaps = values.copy()
    with_gaps[:, :10] = np.nan
    cut = SetIndex.from_positions([np.array([0, 1]), np.arange(0, 20, 2)], 30)
    gaps, alone = given_ranking(with_gaps, SETS), given_ranking(np.ascontiguousarray(values[:, kept]), cut)
    for name, expected in alone.values.items():
        np.testing.assert_array_equal(gaps.values[name][:, :, :2], expected)
        np.testing.assert_array_equal(gaps.p_random[name].p[:, :, :2], alone.p_random[name].p)
    assert np.isnan(gaps.values["es_p0"][:, :, 2]).all()  # its one member is unseen
    assert gaps.sizes[:, 2].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("zeros", [0.0, 0.8])
def test_p_values_hold_their_level_for_random_sets_whatever_the_ties(zeros: float) -> None:
    generator = np.random.default_rng(1)
    values = generator.exponential(size=(1, 500)).astype(np.float32)
    values[0, generator.permutation(500)[: int(zeros * 500)]] = 0
    sets = SetIndex.from_positions([generator.choice(500, 60, replace=False) for _ in range(1500)], 500)
    found = given_ranking(values, sets)
    for name, p in found.p_random.items():
        made = p.p[:, :, ~np.isnan(p.p).any(axis=(0, 1))]  # with weights, a set of zeros alone has no score
        assert made.shape[2] >= 1495
        assert ((made > 0) & (made <= 1)).all()
        below = (made <= 0.05).mean(axis=(0, 2))
        assert (below < 0.07).all(), name
        if name != "es_p0" or not zeros:  # among ties the p-values of unweighted scores are too large
            assert (below > 0.03).all(), name


def test_a_set_raised_in_a_sparse_matrix_is_found_by_every_statistic() -> None:
    generator = np.random.default_rng(2)
    values = np.zeros((1, 2000), dtype=np.float32)
    values[0, generator.permutation(2000)[:200]] = generator.exponential(size=200)
    values[0, :40] += 3
    found = given_ranking(values, SetIndex.from_positions([np.arange(50), np.arange(1000, 1050)], 2000))
    # Where most weights are 0, few members make a weighted score, so chance reaches high ones too.
    for name, level in (("es_p0", 1e-20), ("rank_sum", 1e-20), ("es_p1", 5e-3)):
        assert found.p_random[name].p[0, 0, 0] < level
        assert found.p_random[name].p[0, 0, 1] > 0.05


def test_rows_that_rank_nothing_have_no_score_and_no_p() -> None:
    values = np.zeros((3, ITEMS), dtype=np.float32)
    values[1] = np.nan
    values[2, 1:] = np.nan
    found = given_ranking(values, SETS)
    assert found.ranked.tolist() == [40, 0, 1]
    for name, scores in found.values.items():
        assert np.isnan(scores).all()
        assert np.isnan(found.p_random[name].p).all()
    assert given_ranking(values, SetIndex.from_positions([], ITEMS)).sizes.shape == (3, 0)


def test_infinite_values_and_other_shapes_and_types_are_refused_in_one_line() -> None:
    values = np.zeros((2, ITEMS), dtype=np.float32)
    values[1, 3] = np.inf
    with pytest.raises(TseaError, match=r"infinite in 1 rows \(first: row 1\)"):
        given_ranking(values, SETS)
    for wrong in (values[:, 1:], values.astype(np.float64), values[0]):
        with pytest.raises(UsageError, match="Given values must be float32 of shape"):
            given_ranking(wrong, SETS)
