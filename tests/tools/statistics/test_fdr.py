"""Adjusted p-values against scipy and against the procedures carried out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import stats

from tsea.tools.errors import UsageError
from tsea.tools.statistics.fdr import benjamini_hochberg, holm, simes, two_stage_q, two_stage_q_of_adjusted

P = st.one_of(st.floats(1e-12, 1), st.sampled_from([0.01, 0.02, 0.05, 1.0]))  # repeats make ties
SOME_P = st.one_of(P, st.just(np.nan))
TABLES = npst.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=SOME_P)
FULL = npst.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 8)), elements=P)


def rejected_by_bh(p, level):
    """Indices that Benjamini-Hochberg rejects at a level, from its definition."""
    ranked = sorted(p)
    passing = [value for i, value in enumerate(ranked, start=1) if value <= level * i / len(ranked)]
    return {i for i, value in enumerate(p) if passing and value <= passing[-1]}


def rejected_in_two_stages(table, level):
    """(feature, test) pairs that Benjamini-Bogomolov rejects at a level, from its definition."""
    made = {f: [j for j in range(table.shape[1]) if not np.isnan(table[f, j])] for f in range(len(table))}
    features = [f for f, tests in made.items() if tests]
    simes_p = [min(p * len(made[f]) / i for i, p in enumerate(sorted(table[f, made[f]]), start=1)) for f in features]
    selected = [features[i] for i in rejected_by_bh(simes_p, level)]
    inner = level * len(selected) / len(features) if features else 0
    return {(f, made[f][i]) for f in selected for i in rejected_by_bh(table[f, made[f]], inner)}


@given(FULL, st.sampled_from([0, 1, -1]))
def test_adjusted_p_values_are_those_of_scipy(p, axis):
    np.testing.assert_allclose(benjamini_hochberg(p, axis), stats.false_discovery_control(p, axis=axis), rtol=1e-12)


def test_tests_not_made_are_not_counted():
    p = np.array([0.04, np.nan, 0.01, np.nan])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.04, np.nan, 0.02, np.nan])
    assert simes(p) == pytest.approx(0.02)
    assert np.isnan(simes(np.full((2, 3), np.nan))).all()


def test_simes_is_the_smallest_scaled_order_statistic():
    p = np.array([[0.9, 0.02, 0.03], [0.5, 0.5, 0.5]])
    np.testing.assert_allclose(simes(p), [0.045, 0.5])
    np.testing.assert_allclose(simes(p.T, axis=0), [0.045, 0.5])


def test_simes_rejects_at_its_level_when_nothing_is_there():
    p = np.random.default_rng(0).uniform(size=(20_000, 10))
    assert np.mean(simes(p) <= 0.05) == pytest.approx(0.05, abs=0.005)  # 3 standard errors


@given(TABLES)
def test_two_stage_q_is_the_smallest_level_that_rejects(table):
    q = two_stage_q(table)
    np.testing.assert_array_equal(np.isnan(q), np.isnan(table))
    assert np.all((q > 0) & (q <= 1) | np.isnan(q))
    for level in {*q[~np.isnan(q)].tolist(), 0.001, 0.05, 0.3}:
        for nudged in (level * (1 - 1e-9), level * (1 + 1e-9)):  # away from the rounding of the boundary itself
            clear = np.abs(q / nudged - 1) > 1e-10
            expected = rejected_in_two_stages(table, min(nudged, 1))
            found = {(int(f), int(j)) for f, j in zip(*np.nonzero((q <= nudged) & clear), strict=True)}
            assert found == {(f, j) for f, j in expected if clear[f, j]}


def test_two_stage_q_of_a_worked_example():
    # Simes .02, .1, .6 -> BH over features .06, .15, .6; a level q selects R = 1 from .06 and 2 from .15 on
    table = np.array([[0.01, 0.4], [0.1, 0.1], [0.6, 0.6]])
    # adjusted within: .02 .4 | .1 .1 | .6 .6; smallest q with q R >= 3 a: .06, .6 (R = 3: .4), ...
    np.testing.assert_allclose(two_stage_q(table), [[0.06, 0.6], [0.15, 0.15], [0.6, 0.6]])


@given(TABLES)
def test_q_of_adjusted_p_values_is_the_smallest_level_that_rejects(table):
    q = two_stage_q_of_adjusted(table)
    np.testing.assert_array_equal(np.isnan(q), np.isnan(table))
    made = [f for f in range(len(table)) if not np.isnan(table[f]).all()]
    for level in {*q[~np.isnan(q)].tolist(), 0.001, 0.05, 0.3}:
        for nudged in (level * (1 - 1e-9), level * (1 + 1e-9)):
            clear = np.abs(q / nudged - 1) > 1e-10
            selected = [made[i] for i in rejected_by_bh([np.nanmin(table[f]) for f in made], min(nudged, 1))]
            inner = min(nudged, 1) * len(selected) / max(1, len(made))
            expected = {(f, j) for f in selected for j in range(table.shape[1]) if table[f, j] <= inner}
            found = {(int(f), int(j)) for f, j in zip(*np.nonzero((q <= nudged) & clear), strict=True)}
            assert found == {(f, j) for f, j in expected if clear[f, j]}


def test_q_of_adjusted_p_values_of_a_worked_example():
    p = np.array([[0.001, 0.2, np.nan], [0.5, 0.9, 1.0], [np.nan, np.nan, np.nan], [0.02, 0.04, 1.0]])
    # Best .001, .02, .5 of 3 features -> BH .003, .03, .5; R = 2 from .03, 3 from .5 on; q R >= 3 p.
    expected = [[0.003, 0.3, np.nan], [0.5, 0.9, 1.0], [np.nan, np.nan, np.nan], [0.03, 0.06, 1.0]]
    np.testing.assert_allclose(two_stage_q_of_adjusted(p), expected)


def test_the_share_of_false_features_is_held_among_the_selected():
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(200):
        p = rng.uniform(size=(100, 20))
        p[:10, 0] = 1e-6  # ten features with one real set each
        hit = two_stage_q(p) <= 0.05
        false = hit.copy()
        false[:10, 0] = False
        selected = hit.any(axis=1)
        within = [false[f].sum() / hit[f].sum() for f in np.flatnonzero(selected)]
        shares.append(np.mean(within) if within else 0.0)
    assert np.mean(shares) <= 0.06


def test_p_values_that_underflowed_give_positive_q():
    assert (two_stage_q(np.array([[0.0, 1.0], [0.0, 0.0]])) > 0).all()
    assert benjamini_hochberg(np.array([0.0]))[0] > 0


def test_empty_tables_give_empty_results():
    assert two_stage_q(np.empty((0, 3))).shape == (0, 3)
    assert two_stage_q(np.empty((2, 0))).shape == (2, 0)
    assert np.isnan(simes(np.empty((2, 0)))).all()


@pytest.mark.parametrize("value", [-0.1, 1.1, np.inf])
def test_values_that_are_no_probabilities_are_refused(value):
    with pytest.raises(UsageError, match="between 0 and 1"):
        benjamini_hochberg(np.array([0.5, value]))


def test_two_stage_q_needs_a_table():
    with pytest.raises(UsageError, match=r"\(features, tests\)"):
        two_stage_q(np.array([0.5]))


@pytest.mark.parametrize("more", [0, 3, 500])
def test_tests_without_p_values_count_as_ones(more: int) -> None:
    rng = np.random.default_rng(more)
    p = rng.random((6, 9)) ** 3
    p[2, 4:] = np.nan
    ones = np.concatenate([p, np.ones((6, more))], axis=1)
    counts = np.full(6, more)
    np.testing.assert_allclose(benjamini_hochberg(p, more=counts), benjamini_hochberg(ones)[:, :9])
    np.testing.assert_allclose(simes(p, more=counts), simes(ones))
    np.testing.assert_allclose(two_stage_q(p, counts), two_stage_q(ones)[:, :9])


def test_holm_is_bonferroni_closed_over_all_sets_of_tests():
    """The closure principle: a test falls once every set that holds it is rejected by Bonferroni's test."""
    rng = np.random.default_rng(4)
    for p in (rng.uniform(0, 0.2, 6), np.array([0.01, 0.01, 0.04, 0.5, 1.0, 0.03])):
        sets = [np.array(s) for r in range(1, 7) for s in itertools.combinations(range(6), r)]
        closed = [max(min(1.0, len(s) * p[s].min()) for s in sets if i in s) for i in range(6)]
        assert holm(p) == pytest.approx(closed)


def test_holm_does_not_count_tests_that_were_not_made():
    assert holm(np.array([0.01, np.nan, 0.04])) == pytest.approx([0.02, np.nan, 0.04], nan_ok=True)
    assert holm(np.array([])).size == 0
    with pytest.raises(UsageError, match="between 0 and 1"):
        holm(np.array([1.5]))
