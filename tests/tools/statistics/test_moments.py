"""Moments against scipy and against distributions whose moments are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tsea.tools.errors import TseaError
from tsea.tools.statistics.moments import moments


@given(st.integers(0, 2**32 - 1), st.integers(2, 300), st.floats(-100, 100))
def test_moments_are_those_of_scipy(seed, n_tokens, shift):
    weights = (np.random.default_rng(seed).standard_t(3, size=(3, n_tokens)) + shift).astype(np.float32)
    found, exact = moments(weights), weights.astype(np.float64)
    np.testing.assert_allclose(found.mean, exact.mean(axis=1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.std, exact.std(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found.skewness, stats.skew(exact, axis=1), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.kurtosis, stats.kurtosis(exact, axis=1, fisher=False), rtol=1e-7)


def test_bimodality_is_one_for_two_points_and_five_ninths_for_a_uniform_distribution():
    two_points = np.array([[1, 1, 1, -5]], dtype=np.float32)
    assert moments(two_points).bimodality[0] == pytest.approx(1)
    even = np.linspace(-1, 1, 20_001, dtype=np.float32)[None]
    assert moments(even).bimodality[0] == pytest.approx(5 / 9, abs=1e-3)


def test_a_large_mean_costs_no_digits_and_huge_weights_do_not_overflow():
    spread = np.array([0, 1, 2, 5], dtype=np.float32)
    plain = moments(spread[None])
    for weights in (spread + np.float32(2**20), spread * np.float32(2.0**120), spread * np.float32(2.0**-130)):
        found = moments(weights[None])
        assert found.skewness[0] == pytest.approx(plain.skewness[0], rel=1e-9)
        assert found.kurtosis[0] == pytest.approx(plain.kurtosis[0], rel=1e-9)


def test_constant_rows_have_no_shape():
    found = moments(np.full((1, 7), 0.1, dtype=np.float32))
    assert (found.mean[0], found.std[0]) == (np.float64(np.float32(0.1)), 0.0)
    assert np.isnan([found.skewness[0], found.kurtosis[0], found.bimodality[0]]).all()


def test_non_finite_weights_are_refused():
    with pytest.raises(TseaError, match="not finite"):
        moments(np.array([[1, np.nan]], dtype=np.float32))
