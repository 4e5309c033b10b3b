from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tsea.tools.statistics.mass import concentration, effective_tokens, mass, side_weights, trimmed_mass
from tsea.tools.statistics.projection import standardise

rows = arrays(np.float32, (3, 12), elements=st.floats(-50, 50, width=32), unique=True)


def _naive_mass(x: np.ndarray, members: list[int], drop_top: bool = False) -> float:
    """The definition, in float64 and one token at a time."""
    x = x.astype(np.float64)
    x = (x - x.mean()) / math.sqrt(((x - x.mean()) ** 2).mean())
    weights = [math.exp(min(value, 8.0)) for value in x]
    inside = sorted(weights[m] for m in members)
    inside = inside[:-1] if drop_top else inside
    return math.log((sum(inside) / len(inside)) / (sum(weights) / len(weights)))


def _membership(sets: list[list[int]], tokens: int) -> torch.Tensor:
    matrix = torch.zeros(tokens, len(sets))
    for column, members in enumerate(sets):
        matrix[members, column] = 1
    return matrix


SETS = [[0, 3, 5], [1, 2], [4, 6, 7, 8, 9, 10, 11]]


@given(rows)
def test_mass_is_its_definition_on_both_sides(x: np.ndarray) -> None:
    found = mass(side_weights(standardise(torch.from_numpy(x))), _membership(SETS, 12)).numpy()
    for row in range(3):
        for column, members in enumerate(SETS):
            assert found[row, 0, column] == pytest.approx(_naive_mass(x[row], members), abs=2e-4)
            assert found[row, 1, column] == pytest.approx(_naive_mass(-x[row], members), abs=2e-4)


@given(rows)
def test_mass_without_the_top_member_is_its_definition(x: np.ndarray) -> None:
    weights = side_weights(standardise(torch.from_numpy(x)))
    for row in range(3):
        found = float(trimmed_mass(weights[row, 0], torch.tensor(SETS[0])))
        assert found == pytest.approx(_naive_mass(x[row], SETS[0], drop_top=True), abs=2e-4)


@given(rows, st.floats(0.1, 20), st.floats(-30, 30))
def test_mass_does_not_depend_on_scale_and_shift(x: np.ndarray, scale: float, shift: float) -> None:
    one, other = (
        mass(side_weights(standardise(torch.from_numpy(v).double())), _membership(SETS, 12).double())
        for v in (x, x * np.float64(scale) + shift)
    )
    assert torch.allclose(one, other, atol=1e-6)


def test_the_whole_universe_has_mass_zero_and_its_top_tokens_the_largest() -> None:
    x = torch.arange(100.0)[None] ** 3
    weights = side_weights(standardise(x))
    sets = [list(range(100)), list(range(95, 100)), list(range(50, 55)), list(range(5))]
    found = mass(weights, _membership(sets, 100))[0]
    assert found[0, 0] == pytest.approx(0, abs=1e-5)
    assert found[0, 0] < found[0, 1] and found[0, 2] < found[0, 1]
    assert found[1, 3] > found[1, 2] > found[1, 1]


def test_one_extreme_token_counts_at_most_exp_of_the_clip() -> None:
    x = torch.zeros(1, 100_000)
    x[0, 0] = 1.0
    weights = side_weights(standardise(x))
    assert float(weights[0, 0, 0]) == pytest.approx(math.exp(8.0))


def test_effective_tokens_counts_equal_members_fully_and_a_single_extreme_one_as_one() -> None:
    assert float(effective_tokens(torch.ones(10), torch.tensor([1, 2, 3]))) == pytest.approx(3)
    assert float(effective_tokens(torch.tensor([1e6, 1.0, 1.0]), torch.arange(3))) == pytest.approx(1, abs=1e-4)


def test_concentration_is_the_share_of_the_fourth_moment_in_few_tokens_of_each_side() -> None:
    x = torch.tensor([[3.0, -1.0, 1.0, -1.0, 0.0, 2.0, -4.0]])
    fourth = x[0] ** 4
    found = concentration(x, tokens=2)[0]
    assert float(found[0]) == pytest.approx(float((81 + 16) / fourth.sum()))
    assert float(found[1]) == pytest.approx(float((256 + 1) / fourth.sum()))


def test_a_constant_row_ranks_nothing_and_says_so_with_nan() -> None:
    x = torch.full((1, 50), 0.3)
    assert torch.isnan(standardise(x)).all()
    assert torch.isnan(mass(side_weights(standardise(x)), _membership([[0, 1]], 50))).all()
