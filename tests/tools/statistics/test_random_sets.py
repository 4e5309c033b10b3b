"""Random-set p-values of the weighted score against plain Monte Carlo and exact values."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.statistics.enrichment import EnrichmentScores, SetIndex, enrichment_scores
from tsea.tools.statistics.ks_null import expected_absolute_es, log_p_one_sided
from tsea.tools.statistics.random_sets import RandomSetBank, random_set_bank

V = 3000
BANK = random_set_bank(V)


def ranking(shape):
    """Weights, most promoted first."""
    rng = np.random.default_rng(3)
    normal = rng.normal(size=V)
    drawn = {
        "equal": np.linspace(1, 1 + 1e-6, V),
        "normal": normal,
        "heavy": rng.standard_t(4, size=V) + 0.3,
        "promoted tail": np.where(np.arange(V) < 30, 4 + rng.exponential(3, size=V), normal),
    }[shape]
    return np.sort(drawn)[::-1].astype(np.float32)


def found(positive, negative=None):
    """Scores (F, S) without peaks."""
    positive = np.atleast_2d(np.asarray(positive, dtype=np.float64))
    negative = -positive if negative is None else np.atleast_2d(negative)
    nowhere = np.full(positive.shape, -1, dtype=np.int32)
    return EnrichmentScores(positive, negative, nowhere, nowhere)


def drawn_scores(weights, size, draws, seed=11):
    """Scores (F, draws) of plainly drawn random sets, by the exact kernels."""
    rng = np.random.default_rng(seed)
    sets = SetIndex.from_positions([rng.choice(V, size, replace=False) for _ in range(draws)], V)
    return enrichment_scores(np.atleast_2d(weights), sets, 1)


@pytest.mark.parametrize("size", [5, 20, 100, 700, 1600, 2950])
def test_p_values_are_those_of_plain_monte_carlo(size):
    weights = np.stack([ranking(shape) for shape in ("normal", "heavy", "promoted tail")])
    draws = 2000
    scores = drawn_scores(weights, size, draws)
    sides = np.stack([scores.positive, -scores.negative], axis=1)
    for level, off in ((0.5, 0.04), (0.05, 0.1), (0.01, 0.2)):
        at = np.quantile(sides, 1 - level, axis=2)
        p = BANK.tails(np.abs(weights), found(at[:, :1], -at[:, 1:]), [size]).p[..., 0]
        noise = 3 * np.sqrt((1 - level) / (level * draws)) / np.log(10)
        np.testing.assert_allclose(np.log10(p), np.log10(level), atol=off + noise)


@pytest.mark.parametrize("size", [1, 3, 15, 60, 400, 1500, 2800, V - 1])
def test_equal_weights_give_the_exact_tail_of_the_unweighted_score(size):
    grid = np.linspace(0, 1, 2001)
    exact = log_p_one_sided(grid, size, V) / np.log(10)
    bank = BANK.tails(np.ones((1, V), np.float32), found(grid), np.full(grid.size, size))
    for side in (0, 1):
        off = np.abs(np.log10(bank.p[0, side]) - exact)
        assert np.all(off[(exact <= -0.3) & (exact > -1.5)] < 0.1)
        assert np.all(off[(exact <= -1.5) & (exact > -3)] < 0.4)
        beyond = (exact <= -1) & (exact > -10)
        assert np.all(off[beyond] < 4 * bank.log10_error[0, side, beyond])


@pytest.mark.parametrize("size", [15, 250, 1500])
def test_expected_scores_are_those_of_drawn_sets_and_of_the_closed_form(size):
    heavy = ranking("heavy")
    expected = BANK.moments(np.abs(np.stack([heavy, ranking("equal")])), [size]).mean_absolute[:, 0]
    assert expected[0] == pytest.approx(np.abs(drawn_scores(heavy, size, 2000).score).mean(), rel=0.03)
    assert expected[1] == pytest.approx(expected_absolute_es(size, V), rel=0.02)


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-3, 1e3), st.integers(1, V - 1), st.integers(0, 2**32))
def test_p_values_lie_in_0_1_fall_with_the_score_and_ignore_the_scale_of_weights(scale, size, seed):
    magnitudes = np.abs(np.sort(np.random.default_rng(seed).standard_t(3, size=V))[::-1]).astype(np.float32)[None]
    grid = np.linspace(0, 1, 21)
    sizes = np.full(grid.size, size)
    result = BANK.tails(magnitudes, found(grid), sizes)
    assert np.all((result.p > 0) & (result.p <= 1)) and np.all(np.diff(result.p, axis=2) <= 0)
    assert np.all(result.log10_error > 0)
    scaled = BANK.tails((magnitudes * scale).astype(np.float32), found(grid), sizes)
    np.testing.assert_allclose(np.log(scaled.p), np.log(result.p), rtol=1e-3, atol=1e-3)


def test_every_seed_works_and_fixes_the_draws():
    weights, scores = np.abs(ranking("heavy"))[None], found([0.4])
    of_seed = {seed: RandomSetBank(V, seed).tails(weights, scores, [30]).p for seed in (0, 1)}
    np.testing.assert_array_equal(of_seed[0], BANK.tails(weights, scores, [30]).p)
    assert np.all(of_seed[0] != of_seed[1])
    np.testing.assert_allclose(np.log10(of_seed[0]), np.log10(of_seed[1]), atol=0.2)


def test_results_depend_neither_on_threads_nor_on_the_other_features():
    rows = np.abs(np.stack([ranking("heavy"), ranking("normal")] * 12))
    scores = found(np.full((24, 2), 0.3))
    alone = BANK.tails(rows[1:2], found([[0.3, 0.3]]), [25, 900]).p
    before = numba.get_num_threads()
    results = []
    for threads in (1, before):
        numba.set_num_threads(threads)
        results.append(BANK.tails(rows, scores, [25, 900]).p)
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_allclose(results[0][1], alone[0], rtol=1e-6)


def test_random_sets_without_weight_do_not_count_and_rankings_without_weight_have_no_p():
    weights = np.zeros((2, V), dtype=np.float32)
    weights[0, :60] = np.linspace(5, 1, 60)
    rng = np.random.default_rng(4)
    sets = SetIndex.from_positions([rng.choice(V, 40, replace=False) for _ in range(4000)], V)
    drawn = enrichment_scores(weights[:1], sets, 1).positive[0]
    assert 0.3 < np.isnan(drawn).mean() < 0.6
    at = np.nanquantile(drawn, [0.5, 0.9])
    result = BANK.tails(weights, found(np.tile(at, (2, 1))), [40, 40])
    np.testing.assert_allclose(result.p[0, 0], [0.5, 0.1], rtol=0.35)
    assert np.all(np.isnan(result.p[1])) and np.all(np.isnan(result.log10_error[1]))


def test_no_features_and_no_sets_give_empty_results():
    weights = np.abs(ranking("normal"))[None]
    assert BANK.tails(weights[:0], found(np.empty((0, 1))), [10]).p.shape == (0, 2, 1)
    assert BANK.tails(weights, found(np.empty((1, 0))), []).p.shape == (1, 2, 0)


def test_scores_that_are_not_defined_have_no_p():
    result = BANK.tails(np.abs(ranking("normal"))[None], found([[np.nan, 0.2]]), [10, 10])
    assert np.all(np.isnan(result.p[0, :, 0])) and np.all(result.p[0, :, 1] < 1)


def test_universes_of_two_tokens_and_of_a_quarter_million_work():
    tiny = RandomSetBank(2).tails(np.ones((1, 2), np.float32), found([[1.0]], [[0.0]]), [1])
    assert tiny.p[0, 0, 0] == pytest.approx(0.5)
    n_tokens = 262_144
    result = RandomSetBank(n_tokens).tails(np.ones((1, n_tokens), np.float32), found([[0.31, 0.003]]), [20, 200_000])
    exact = np.exp(log_p_one_sided([0.31, 0.003], [20, 200_000], n_tokens))
    np.testing.assert_allclose(np.log10(result.p[0, 0]), np.log10(exact), atol=0.15)


@pytest.mark.parametrize(
    ("magnitudes", "sizes", "message"),
    [
        (np.ones((1, V), np.float32), [0], "1 to 2999 tokens"),
        (np.ones((1, V), np.float32), [V], "1 to 2999 tokens"),
        (-np.ones((1, V), np.float32), [5], "absolute values"),
        (np.ones((1, V - 1), np.float32), [5], "does not fit rankings of 2999"),
        (np.ones((1, V)), [5], "float32"),
        (np.ones((2, V), np.float32), [5], "same features and sets"),
        (np.ones((1, V), np.float32), [5, 6], "same features and sets"),
    ],
)
def test_what_does_not_fit_is_refused(magnitudes, sizes, message):
    with pytest.raises(UsageError, match=message):
        BANK.tails(magnitudes, found([[0.3]]), sizes)


def test_weights_that_are_not_finite_and_universes_without_a_choice_are_refused():
    with pytest.raises(TseaError, match="not finite"):
        BANK.moments(np.full((1, V), np.nan, np.float32), [5])
    with pytest.raises(UsageError, match="at least 2 tokens"):
        RandomSetBank(1)
