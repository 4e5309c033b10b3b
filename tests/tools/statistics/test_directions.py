from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tsea.tools.statistics.directions import DirectionModel, MeanNull, mean_p_present, unit_rows

DIMENSION = 24


@pytest.fixture(scope="module")
def set_means() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(DIMENSION, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def decoder() -> np.ndarray:
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(DIMENSION, DIMENSION))
    return (rng.normal(size=(3000, DIMENSION)) @ mixing + 0.3).astype(np.float32)


def test_isotropic_directions_give_a_uniform_present_p_on_both_sides(set_means: np.ndarray) -> None:
    directions = DirectionModel.isotropic(DIMENSION).sample(20_000, [5]).numpy()
    p = mean_p_present(directions, set_means)
    assert p.shape == (20_000, 2, 6)
    for column in range(6):
        assert stats.kstest(p[:, 0, column], "uniform").pvalue > 1e-3
    assert np.allclose(p[:, 0] + p[:, 1], 1)


def test_the_present_p_is_the_probability_of_a_cosine_under_the_sphere(set_means: np.ndarray) -> None:
    # The cosine with a fixed vector has density proportional to (1 - c^2)^((D-3)/2), a Beta in disguise.
    direction = np.random.default_rng(2).normal(size=(1, DIMENSION))
    cosine = unit_rows(direction) @ unit_rows(set_means.T).T
    expected = stats.beta.sf((cosine + 1) / 2, (DIMENSION - 1) / 2, (DIMENSION - 1) / 2)
    assert np.allclose(mean_p_present(direction, set_means)[0, 0], expected, rtol=1e-9)


def test_a_direction_along_a_set_mean_has_the_smallest_p_and_never_a_nan(set_means: np.ndarray) -> None:
    p = mean_p_present(set_means[:, :1].T, set_means[:, :1])
    assert p[0, 0, 0] < 1e-100 and p[0, 1, 0] == 1


def test_the_specific_p_is_uniform_on_directions_of_the_dictionarys_model(
    decoder: np.ndarray, set_means: np.ndarray
) -> None:
    model = DirectionModel.of_rows(decoder)
    # Normal directions are compared as they are: their norm is nearly constant only in high dimension.
    drawn = model.sample(20_000, [6]).numpy()
    scale = np.sqrt(np.einsum("ds,de,es->s", set_means, model.covariance, set_means))
    z = (drawn - model.mean) @ set_means / scale
    assert np.allclose(z.std(axis=0), 1, atol=0.02)
    p = MeanNull(set_means, model, decoder).p_values(decoder)
    assert 0.04 <= (p < 0.05).mean() <= 0.06


def test_a_model_of_many_rows_is_their_mean_and_covariance(decoder: np.ndarray) -> None:
    model, rows = DirectionModel.of_rows(decoder), unit_rows(decoder)
    assert np.allclose(model.mean, rows.mean(axis=0))
    assert np.allclose(model.covariance, np.cov(rows.T, bias=True))
    assert np.allclose(model.factor @ model.factor.T, model.covariance)


def test_few_rows_are_shrunk_to_a_covariance_of_full_rank(decoder: np.ndarray) -> None:
    few = decoder[: DIMENSION // 2]
    model = DirectionModel.of_rows(few)
    assert np.linalg.matrix_rank(np.cov(unit_rows(few).T, bias=True)) < DIMENSION
    assert np.linalg.matrix_rank(model.covariance) == DIMENSION
    assert np.trace(model.covariance) == pytest.approx(np.trace(np.cov(unit_rows(few).T, bias=True)))


def test_samples_follow_the_model_and_the_seed(decoder: np.ndarray) -> None:
    model = DirectionModel.of_rows(decoder)
    drawn = model.sample(60_000, [0]).numpy()
    assert np.allclose(drawn.mean(axis=0), model.mean, atol=0.01)
    assert np.allclose(np.cov(drawn.T), model.covariance, atol=0.01)
    # The same draws; products of other shapes may round differently.
    np.testing.assert_allclose(model.sample(100, [0]).numpy(), drawn[:100], atol=1e-6)
    assert np.abs(model.sample(100, [1]).numpy() - drawn[:100]).max() > 0.1
