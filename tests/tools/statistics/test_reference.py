from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tsea.tools.statistics.reference import TAIL_SHARE, collect
from tsea.tools.statistics.tail_sampling import LEVELS, MAX_ERROR

COUNT = 5000


@pytest.fixture(scope="module")
def draws() -> np.ndarray:
    return np.random.default_rng(0).gumbel(size=(COUNT, 3)).astype(np.float32)


def test_tail_p_values_are_counts_plus_one_over_draws_plus_one(draws: np.ndarray) -> None:
    reference = collect(np.split(draws, 5), COUNT)
    observed = np.quantile(draws, [0.95, 0.99, 0.999, 1.0], axis=0) + 1e-4
    expected = ((draws[None] >= observed[:, None]).sum(axis=1) + 1) / (COUNT + 1)
    assert np.array_equal(reference.p_values(observed), expected)
    assert np.all(reference.p_values(np.full((1, 3), 1e9)) == 1 / (COUNT + 1))


def test_a_draw_equal_to_the_observed_value_counts_against_it(draws: np.ndarray) -> None:
    reference = collect([draws], COUNT)
    top = np.sort(draws, axis=0)[-3:]
    assert np.allclose(reference.p_values(top) * (COUNT + 1), [[4] * 3, [3] * 3, [2] * 3])


def test_bulk_p_values_are_within_a_percent_of_the_counts(draws: np.ndarray) -> None:
    reference = collect([draws], COUNT)
    observed = np.quantile(draws, np.linspace(0.02, 0.93, 50), axis=0)
    expected = ((draws[None] >= observed[:, None]).sum(axis=1) + 1) / (COUNT + 1)
    found = reference.p_values(observed)
    assert np.abs(found - expected).max() < 0.01
    assert np.all(found > TAIL_SHARE)


def test_p_values_fall_as_values_rise_and_lie_in_0_1(draws: np.ndarray) -> None:
    reference = collect(np.split(draws, 2), COUNT)
    grid = np.linspace(draws.min() - 1, draws.max() + 1, 400)[:, None].repeat(3, axis=1)
    found = reference.p_values(grid)
    assert np.all(np.diff(found, axis=0) <= 0)
    assert found.min() > 0 and found.max() <= 1


def test_how_draws_are_batched_does_not_change_the_tail(draws: np.ndarray) -> None:
    one, other = collect([draws], COUNT), collect(np.array_split(draws, 7), COUNT)
    assert np.array_equal(one.tail, other.tail)


def test_nan_stays_nan_and_strength_counts_spreads_above_the_median(draws: np.ndarray) -> None:
    reference = collect([draws], COUNT)
    assert np.isnan(reference.p_values(np.full((2, 3), np.nan))).all()
    median, high = np.quantile(draws[:, 1], [0.5, 0.95])
    found = reference.strength(np.array([median, high, 2 * high - median]), np.array([1, 1, 1]))
    assert found == pytest.approx([0, 1, 2], abs=0.01)


def test_no_draws_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        collect([], 0)


def test_errors_are_those_of_the_counts_and_nothing_beyond_the_draws_is_an_estimate(draws: np.ndarray) -> None:
    reference = collect([draws], COUNT)
    observed = np.array([[np.sort(draws[:, 0])[-100], 1e9, np.nan]], dtype=np.float32)
    found = reference.estimate(observed)
    assert found.p[0, 0] == 101 / (COUNT + 1)
    # The relative standard error of a binomial count of 100, on the log10 scale.
    assert found.log10_error[0, 0] == pytest.approx(0.1 / np.log(10), rel=0.02)
    assert found.p[0, 1] == 1 / (COUNT + 1) and np.isnan(found.log10_error[0, 1])
    assert np.isnan(found.p[0, 2]) and np.isnan(found.log10_error[0, 2])


def test_deep_levels_answer_where_no_draw_reaches_and_only_there(draws: np.ndarray) -> None:
    asked: list[int] = []

    def levels(column: int) -> np.ndarray:
        asked.append(column)
        known = np.linspace(5, 22, len(LEVELS))  # one level for each half unit
        return np.where(np.arange(len(LEVELS)) < 20, known, np.nan)

    reference = dataclasses.replace(collect([draws], COUNT), deep=levels)
    counted = np.median(draws, axis=0)[None]
    assert np.array_equal(reference.p_values(counted), collect([draws], COUNT).p_values(counted)) and asked == []
    at = levels(0)
    observed = np.array([[at[19], at[19] + 100, counted[0, 2]]])
    found = reference.estimate(observed)
    assert asked == [0, 0, 1]
    assert found.p[0, 0] == pytest.approx(LEVELS[19]) and found.log10_error[0, 0] == MAX_ERROR
    # Beyond the last known level there is a bound only, and it is that level.
    assert found.p[0, 1] == pytest.approx(LEVELS[19]) and np.isnan(found.log10_error[0, 1])
    assert reference.of_column(0).p_values(observed[:, :1])[0, 0] == found.p[0, 0]


def test_a_deep_level_never_raises_what_was_counted(draws: np.ndarray) -> None:
    reference = dataclasses.replace(collect([draws], COUNT), deep=lambda _: np.full(len(LEVELS), 1e8))
    assert reference.p_values(np.full((1, 3), 1e7))[0, 0] <= 2 / (COUNT + 1)
