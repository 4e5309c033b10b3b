from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm, rankdata

from tsea.tools.statistics.overlap import (
    direction_scaled_p,
    overlap_correlations,
    partial_correlation,
    rank_normal_scores,
    set_correlations,
)

TOKENS = 40
# Few distinct values, so that most rows hold ties, and both zeros.
tied_rows = arrays(np.float32, (2, 12), elements=st.sampled_from([-2.5, -0.0, 0.0, 0.5, 0.75, 1.5, 3.0]))
seeds = st.integers(0, 2**32 - 1)


@given(tied_rows, seeds)
def test_scores_are_normal_quantiles_of_mean_ranks(tied: np.ndarray, seed: int) -> None:
    untied = np.random.default_rng(seed).normal(size=(2, TOKENS)).astype(np.float32)
    for weights in (tied, untied):
        expected = norm.ppf((rankdata(weights, axis=1) - 0.5) / weights.shape[1])
        np.testing.assert_allclose(rank_normal_scores(weights), expected, rtol=1e-6, atol=1e-6)


@given(seeds)
def test_correlations_are_pearsons_with_membership_and_between_sets(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(2, TOKENS)).astype(np.float32)
    sets = np.stack([generator.permutation(TOKENS) < generator.integers(1, TOKENS) for _ in range(3)], axis=1)
    membership = torch.from_numpy(sets.astype(np.float32))
    everything = np.asarray(np.corrcoef(np.concatenate([scores.astype(float), sets.T])))
    np.testing.assert_allclose(set_correlations(torch.from_numpy(scores), membership), everything[:2, 2:], atol=1e-6)
    np.testing.assert_allclose(overlap_correlations(membership, membership[:, 1:]), everything[2:, 3:], atol=1e-12)


def test_constant_scores_and_sets_of_none_or_all_tokens_have_no_correlation() -> None:
    membership = torch.zeros(TOKENS, 3)
    membership[:5, 0] = 1
    membership[:, 2] = 1
    constant = rank_normal_scores(np.full((1, TOKENS), 2.5, dtype=np.float32))
    assert np.isnan(set_correlations(torch.from_numpy(constant), membership)).all()
    varied = set_correlations(torch.arange(float(TOKENS))[None], membership)
    assert np.isnan(varied).tolist() == [[False, True, True]]


def _residual(y: np.ndarray, on: np.ndarray) -> np.ndarray:
    design = np.stack([np.ones_like(on), on], axis=1)
    return y - design @ np.linalg.lstsq(design, y, rcond=None)[0]


@given(seeds)
def test_partial_correlation_is_that_of_regression_residuals(seed: int) -> None:
    generator = np.random.default_rng(seed)
    y = generator.normal(size=TOKENS)
    a, b = (generator.permutation(TOKENS) < size for size in (12, 17))
    r = np.corrcoef([y, a, b])
    found = partial_correlation(r[0, 2], r[0, 1], r[1, 2])
    for value, of, other in ((found.b_given_a, b, a), (found.a_given_b, a, b)):
        expected = np.corrcoef(_residual(y, other.astype(float)), _residual(of.astype(float), other.astype(float)))
        np.testing.assert_allclose(value, expected[0, 1], atol=1e-10)
    assert found.agrees == (found.b_given_a * r[0, 2] > 0)


def test_a_set_given_itself_or_its_complement_has_no_partial_correlation() -> None:
    membership = torch.zeros(TOKENS, 2)
    membership[:7, 0] = 1
    membership[:, 1] = 1 - membership[:, 0]
    overlap = overlap_correlations(membership, membership)
    found = partial_correlation(np.full((2, 2), 0.3), np.full((2, 2), 0.3), overlap)
    assert np.isnan(found.b_given_a).all()
    assert np.isnan(found.a_given_b).all()
    assert not found.agrees.any()


def _scores(generator: np.random.Generator, count: int, shifted: slice | None = None) -> torch.Tensor:
    """Rank-normal scores of random directions through random unembedding columns, some tokens shifted."""
    unembedding = np.random.default_rng(7).normal(size=(64, 1500))
    directions = generator.normal(size=(count, 64)) / 8
    weights = (directions @ unembedding).astype(np.float32)
    if shifted is not None:
        weights[:, shifted] += 0.7
    return torch.from_numpy(rank_normal_scores(weights))


def test_given_the_driving_set_an_overlapping_one_is_as_rare_as_chance_and_the_driver_stands() -> None:
    membership = torch.zeros(1500, 2)
    membership[:200, 0] = 1  # drives
    membership[100:300, 1] = 1  # shares half of its members
    overlap = overlap_correlations(membership, membership)[0, 1]

    def given_each_other(scores: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        r = set_correlations(scores, membership)
        found = partial_correlation(r[:, 1], r[:, 0], overlap)
        return r[:, 1], np.stack([found.b_given_a, found.a_given_b], axis=1)

    generator = np.random.default_rng(0)
    alone, reference = given_each_other(_scores(generator, 1000))
    observed_alone, observed = given_each_other(_scores(generator, 2000, shifted=slice(0, 200)))
    p = direction_scaled_p(observed, reference)[:, 0]
    rider_alone = direction_scaled_p(observed_alone[:, None], alone[:, None])[:, 0, 0]
    assert (rider_alone < 0.01).mean() > 0.7
    assert (p[:, 0] < 0.01).mean() < 0.02
    assert 0.02 < (p[:, 0] < 0.05).mean() < 0.08
    assert (p[:, 1] < 0.01).mean() > 0.99


def test_scaled_p_has_both_tails_of_the_references_normal_and_stays_above_zero_ten_deviations_out() -> None:
    reference = np.array([[-0.02, 0.1], [0.02, 0.3]])  # means 0 and .2, deviations .02 and .1
    p = direction_scaled_p(np.array([[0.02, 0.2], [0.2, np.nan]]), reference)
    np.testing.assert_allclose(p[0], [[norm.sf(1), 0.5], [norm.cdf(1), 0.5]])
    np.testing.assert_allclose(p[1, 0, 0], norm.sf(10))
    assert p[1, 0, 0] > 0
    assert np.isnan(p[1, :, 1]).all()
