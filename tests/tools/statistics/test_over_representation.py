from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from tsea.tools.statistics.over_representation import over_representation_p


@pytest.mark.parametrize(("drawn", "universe"), [(1, 50), (4, 4912), (30, 100), (60, 100), (100, 100), (8, 150_000)])
def test_p_is_the_hypergeometric_tail(drawn: int, universe: int) -> None:
    rng = np.random.default_rng(drawn)
    sizes = rng.integers(1, universe, 200)
    shared = np.array([rng.integers(max(0, drawn + k - universe), min(drawn, k) + 1) for k in sizes])
    expected = hypergeom.sf(shared - 1, universe, sizes, drawn)
    np.testing.assert_allclose(over_representation_p(shared, sizes, drawn, universe), expected, rtol=1e-7)


def test_both_of_two_tokens_in_a_set_of_three_out_of_ten() -> None:
    found = over_representation_p(np.array([2, 1, 0]), np.array([3, 3, 3]), 2, 10)
    np.testing.assert_allclose(found, [3 / 45, (3 + 21) / 45, 1])


def test_nothing_drawn_is_no_surprise() -> None:
    assert over_representation_p(np.array([0]), np.array([5]), 0, 10).tolist() == [1.0]
