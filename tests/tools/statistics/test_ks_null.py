"""Random-set p-values against enumeration, scipy, published references and simulation."""

from __future__ import annotations

import itertools
import math
import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tsea.tools.errors import UsageError
from tsea.tools.statistics import ks_null
from tsea.tools.statistics.enrichment import SetIndex, enrichment_scores
from tsea.tools.statistics.ks_null import expected_absolute_es, log_p_one_sided, p_random

GPT2 = 50_257


def all_scores(k, n):
    """ES+ and ES- of every set of k of n tokens."""
    row = np.arange(n, 0, -1, dtype=np.float32)[None]
    sets = SetIndex.from_positions([np.array(c) for c in itertools.combinations(range(n), k)], n)
    scores = enrichment_scores(row, sets, 0)
    return scores.positive[0], scores.negative[0], scores.score[0]


@pytest.mark.parametrize(("k", "n"), [(1, 2), (1, 7), (2, 7), (4, 8), (3, 11), (8, 11), (5, 10), (6, 12)])
def test_small_universes_agree_with_every_possible_set(k, n):
    positive, negative, score = all_scores(k, n)
    absolute = np.maximum(positive, -negative)
    expected_two = [(absolute >= value - 1e-9).mean() for value in absolute]
    np.testing.assert_allclose(p_random(score, k, n), expected_two, rtol=1e-12)
    expected_one = [(positive >= value - 1e-9).mean() for value in positive]
    np.testing.assert_allclose(np.exp(log_p_one_sided(positive, k, n)), expected_one, rtol=1e-12)
    assert expected_absolute_es(k, n) == pytest.approx(absolute.mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("k", "d", "reference"),
    [(15, 0.9, 1.0211e-15), (15, 0.99, 1.2482e-30), (15, 1, 3.976e-59), (50, 0.9, 1.2576e-50), (300, 0.5, 9.776e-70)],
)
def test_tails_reach_the_reference_values(k, d, reference):
    assert np.exp(log_p_one_sided(d, k, GPT2)) == pytest.approx(reference, rel=6e-5)


@pytest.mark.parametrize("n", [1500, GPT2])
@pytest.mark.parametrize("share", [0.001, 0.3, 0.5, 0.9])
def test_a_perfect_score_has_the_chance_of_one_set_among_all(n, share):
    k = max(1, int(share * n))
    log_sets = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    assert log_p_one_sided(1.0, k, n) == pytest.approx(-log_sets, rel=1e-9)


@pytest.mark.parametrize(
    ("k", "reference"),
    [(15, 0.21357), (60, 0.10948), (250, 0.05441), (1000, 0.02758), (9000, 0.01008), (33_000, 0.00814)],
)
def test_expected_scores_are_the_reference_values(k, reference):
    assert expected_absolute_es(k, GPT2) == pytest.approx(reference, abs=6e-6)


@pytest.mark.parametrize(("k", "n"), [(37, 500), (400, 1000), (15, 1999)])
def test_exact_values_are_those_of_scipy(k, n):
    rng = np.random.default_rng(0)
    for quantile in (0.5, 1.0, 1.5):  # sets pushed towards the top by more and more
        members = np.argsort(rng.normal(size=n) + 2 * quantile * np.arange(n) / n)[:k]
        others = np.setdiff1d(np.arange(n), members)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            score, expected = tuple(stats.ks_2samp(members, others, method="exact"))
        np.testing.assert_allclose(p_random(score, k, n), expected, rtol=1e-8)


@pytest.mark.parametrize(("k", "n"), [(15, 2500), (800, 2500), (1250, 2500), (2200, 2500), (60, 5000)])
def test_large_universes_are_within_one_percent_of_the_exact_recursion(k, n, monkeypatch):
    d = np.array([0.5, 1.0, 1.5, 2.5]) / math.sqrt(k * (n - k) / n)
    two_sided, one_sided = p_random(d, k, n), log_p_one_sided(d, k, n)
    monkeypatch.setattr(ks_null, "_EXACT_UP_TO", n)
    np.testing.assert_allclose(two_sided, p_random(d, k, n), rtol=0.01)
    np.testing.assert_allclose(one_sided, log_p_one_sided(d, k, n), atol=0.01)


@pytest.mark.parametrize(
    ("k", "n"), [(150, 8001), (800, 8001), (3200, 8001), (3990, 8001), (20_102, GPT2), (33_000, GPT2)]
)
def test_tails_are_those_of_single_sums(k, n, monkeypatch):
    d = np.linspace(0.15, 5.2, 150) / math.sqrt(k * (n - k) / n)
    found = log_p_one_sided(d, k, n)
    assert np.all(np.diff(found) < 0)
    monkeypatch.setattr(ks_null, "_SMOOTH_UNIVERSE", n + 1)
    expected = log_p_one_sided(d, k, n)
    near = expected > math.log(1e-8)
    np.testing.assert_allclose(found[near], expected[near], atol=0.02)
    np.testing.assert_allclose(found, expected, atol=0.07)


def test_scores_of_random_sets_have_uniform_p_values_at_every_scale():
    rng = np.random.default_rng(1)
    n, k, draws = 4000, 90, 3000
    sets = SetIndex.from_positions([rng.choice(n, k, replace=False) for _ in range(draws)], n)
    p = p_random(enrichment_scores(np.arange(n, dtype=np.float32)[None], sets, 0).score, k, n)[0]
    for level in (0.5, 0.1, 0.02):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / draws))


@settings(max_examples=40)
@given(st.integers(2, 3000), st.data())
def test_p_values_fall_with_the_score_and_ignore_sign_and_complement(n, data):
    k = data.draw(st.integers(1, n - 1))
    es = np.linspace(0, 1, 9)
    p = p_random(es, k, n)
    assert p[0] == 1 and np.all((p > 0) & (p <= 1)) and np.all(np.diff(p) <= 1e-12)
    np.testing.assert_array_equal(p, p_random(-es, k, n))
    np.testing.assert_array_equal(p, p_random(es, n - k, n))
    one_sided = log_p_one_sided(es, k, n)
    assert one_sided[0] == 0 and np.all(one_sided <= 0) and np.all(np.diff(one_sided) <= 1e-9)


def test_tables_of_scores_take_one_size_per_column_and_keep_nan():
    es = np.array([[0.2, -0.4, np.nan], [0.1, 0.0, 0.9]])
    sizes = np.array([30, 12, 30])
    p = p_random(es, sizes, 2600)
    assert np.isnan(p[0, 2]) and p[1, 1] == 1
    for column, size in enumerate(sizes):
        known = ~np.isnan(es[:, column])
        np.testing.assert_array_equal(p[known, column], p_random(es[known, column], int(size), 2600))


def test_p_values_never_reach_zero_and_impossible_distances_have_no_chance():
    assert p_random(1.0, 700, 1500) == p_random(1.0, 20_000, GPT2) == np.finfo(np.float64).tiny
    assert log_p_one_sided(1.2, 700, 1500) == log_p_one_sided(1.2, 15, GPT2) == -np.inf


def test_results_join_where_the_recursion_underflows(monkeypatch):
    d = np.linspace(0.3, 1, 15)
    logs = log_p_one_sided(d, 900, 2000)
    assert np.all(np.isfinite(logs)) and logs[0] > math.log(1e-290) > logs[-1] and np.all(np.diff(logs) < 0)
    monkeypatch.setattr(ks_null, "_EXACT_FLOOR", 1.0)  # the sum alone
    np.testing.assert_allclose(logs, log_p_one_sided(d, 900, 2000), atol=0.02)


@pytest.mark.parametrize("k", [0, 50, -1])
def test_sets_that_rank_nothing_are_refused(k):
    for call in (partial(p_random, 0.5), partial(log_p_one_sided, 0.5), expected_absolute_es):
        with pytest.raises(UsageError, match="1 to 49 of the 50"):
            call(k, 50)


def test_values_that_are_no_scores_are_refused():
    with pytest.raises(UsageError, match="between -1 and 1"):
        p_random(1.5, 5, 50)
