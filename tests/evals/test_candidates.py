from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tsea.evals.candidates import (
    COMBINATIONS,
    FAMILIES,
    Family,
    among_top,
    beyond,
    by_size,
    cauchy,
    mass_score,
    means_of,
    normal_scores,
    rank_means_of,
    read_out,
)
from tsea.evals.set_tops import top_means
from tsea.tools.statistics.directions import DirectionModel
from tsea.tools.statistics.enrichment import SetIndex
from tsea.tools.statistics.projection import standardise
from tsea.tools.views import View

TOKENS = 60
SETS = [[0, 3, 7], [1, 2, 30, 31, 59], list(range(20, 45))]
VIEW = View(np.arange(TOKENS), SetIndex.from_positions([np.array(s) for s in SETS], TOKENS))


def rows(seed: int, count: int = 4) -> torch.Tensor:
    return standardise(
        torch.from_numpy(np.random.default_rng([seed]).standard_t(4, (count, TOKENS)).astype(np.float32))
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: f"{family.ranking}: {family.names[0]}")
def test_every_family_gives_each_statistic_both_sides_of_each_set(family: Family) -> None:
    values = family.evaluate(VIEW, rows(0))
    assert values.shape == (4, 2, len(family.names) * len(SETS))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: f"{family.ranking}: {family.names[0]}")
def test_the_suppressed_side_is_the_promoted_side_of_the_negated_row(family: Family) -> None:
    x = rows(1)
    np.testing.assert_allclose(family.evaluate(VIEW, x)[:, ::-1], family.evaluate(VIEW, -x), rtol=2e-5, atol=2e-6)


@given(st.integers(0, 10**6))
def test_means_are_those_of_a_loop_over_members(seed: int) -> None:
    x = rows(seed, 2)
    values = means_of({"mass": mass_score(1, 2.0), "beyond": beyond(1, 2)}).evaluate(VIEW, x)
    for row in range(2):
        clipped = np.exp(np.minimum(x[row].numpy().astype(float), 2))
        square = np.maximum(x[row].numpy().astype(float) - 1, 0) ** 2
        expected = [clipped[s].mean() / clipped.mean() for s in SETS] + [square[s].mean() for s in SETS]
        np.testing.assert_allclose(values[row, 0], expected, rtol=1e-5, atol=1e-7)


@given(st.integers(0, 10**6))
def test_statistics_of_ranks_do_not_see_a_monotone_change(seed: int) -> None:
    x = rows(seed)
    family = rank_means_of({"beyond": beyond(1, 2)})
    np.testing.assert_array_equal(family.evaluate(VIEW, x), family.evaluate(VIEW, x**3))


def test_normal_scores_are_normal_quantiles_of_ranks() -> None:
    found = normal_scores(torch.tensor([[3.0, -1.0, 7.0, 0.0]]))
    np.testing.assert_allclose(found[0], stats.norm.ppf([5 / 8, 1 / 8, 7 / 8, 3 / 8]), rtol=1e-6)


def test_the_share_among_the_top_counts_members_there() -> None:
    x = torch.arange(TOKENS, 0, -1, dtype=torch.float32)[None]
    shares = means_of({"top": among_top(10)}).evaluate(VIEW, x)[0]
    np.testing.assert_allclose(shares, [[1, 2 / 5, 0], [0, 1 / 5, 0]], rtol=1e-6)


@given(st.integers(0, 10**6), st.integers(1, 6))
def test_top_means_are_means_of_the_sorted_members(seed: int, count: int) -> None:
    x = rows(seed).numpy()
    for one, found in zip((1, count), top_means(x, VIEW.sets, (1, count)), strict=True):
        expected = [[np.sort(row[s])[::-1][:one].mean() for s in SETS] for row in x]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_mass_without_the_top_member_leaves_just_that_one_out() -> None:
    (family,) = [family for family in FAMILIES if "mass without the top member" in family.names]
    x = rows(3)
    found = family.evaluate(VIEW, x)[:, 0].reshape(4, 3, len(SETS))[:, 2]
    weights = np.exp(x.numpy().astype(float))
    for row in range(4):
        expected = [np.sort(weights[row, s])[:-1].mean() / weights[row].mean() for s in SETS]
        np.testing.assert_allclose(found[row], expected, rtol=1e-5)


def test_whitening_makes_tokens_uncorrelated_over_the_residual_stream() -> None:
    rng = np.random.default_rng([5])
    unembedding = (rng.standard_normal((6, 6)) @ rng.standard_normal((6, 300))).astype(np.float32)
    model = DirectionModel.isotropic(6)
    np.testing.assert_allclose(np.cov(read_out("whitened", unembedding, model).double()), np.eye(6), atol=1e-4)
    twice = read_out("twice whitened", unembedding, model).double().numpy()
    centred = unembedding - unembedding.mean(axis=1, keepdims=True)
    direction = rng.standard_normal(6)
    coefficients = direction @ twice / (unembedding.shape[1] - 1)
    np.testing.assert_allclose(centred @ coefficients, direction, atol=1e-4)


def test_whitening_leaves_out_what_the_unembedding_does_not_read() -> None:
    rng = np.random.default_rng([6])
    unembedding = rng.standard_normal((6, 300)).astype(np.float32)
    unembedding[0] = 0
    whitened = read_out("whitened", unembedding, DirectionModel.isotropic(6))
    assert torch.isfinite(whitened).all() and whitened[0].abs().max() < 1e-6


def test_scaled_tokens_have_one_standard_deviation_over_the_model() -> None:
    rng = np.random.default_rng([7])
    rows_of_decoder = rng.standard_normal((400, 5)) * [1, 2, 3, 4, 5]
    model = DirectionModel.of_rows(rows_of_decoder)
    scaled = read_out("scaled", rng.standard_normal((5, 40)).astype(np.float32), model).double().numpy()
    np.testing.assert_allclose(np.einsum("dv,de,ev->v", scaled, model.covariance, scaled), 1, rtol=1e-4)


def test_cauchy_combination_of_one_value_is_that_value() -> None:
    p = np.array([1e-12, 1e-4, 0.3, 0.9])
    np.testing.assert_allclose(cauchy([p], np.array([])), p, rtol=1e-6)
    np.testing.assert_allclose(cauchy([p, p], np.array([])), p, rtol=1e-6)


def test_one_small_p_value_stays_small_in_a_combination() -> None:
    combined = cauchy([np.array([1e-8]), np.array([0.5])], np.array([]))
    assert combined[0] == pytest.approx(2e-8, rel=1e-3)


def test_the_rate_follows_the_size_of_the_set() -> None:
    p = [np.full((1, 2, 3), value) for value in (0.1, 0.2, 0.3)]
    np.testing.assert_array_equal(by_size(p, np.array([30, 31, 151]))[0, 0], [0.1, 0.2, 0.3])


def test_combinations_are_made_of_measured_statistics() -> None:
    measured = {name for family in FAMILIES if family.ranking == "logit weights" for name in family.names}
    assert {name for combination in COMBINATIONS for name in combination.parts} <= measured
