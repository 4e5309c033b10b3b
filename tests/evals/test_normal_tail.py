from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstwobign, norm

from tsea.evals.normal_tail import EXCEEDING, tail_values, with_normal_tails
from tsea.tools.statistics.reference import collect
from tsea.tools.statistics.tail_sampling import LEVELS

COUNT = 20_000


@pytest.mark.parametrize(("distribution", "error"), [(norm(2, 3), 1e-9), (kstwobign, 0.035)])
def test_the_tail_is_that_of_a_normal_distribution_and_near_that_of_the_kolmogorov_statistic(
    distribution: Any, error: float
) -> None:
    exact = distribution.isf((np.arange(COUNT, 0, -1) - 0.5) / COUNT)
    found = tail_values(exact[-1000:], COUNT)
    known = ~np.isnan(found)
    assert (LEVELS[known] < EXCEEDING / COUNT).all() and (LEVELS[~known] >= EXCEEDING / COUNT).all()
    assert np.abs(found[known] / distribution.isf(LEVELS[known]) - 1).max() < error


def test_p_beyond_what_was_counted_is_of_the_right_size_and_unchanged_before() -> None:
    draws = np.random.default_rng(0).normal(size=(COUNT, 8))
    counted = collect([draws], COUNT)
    fitted = with_normal_tails(counted)
    values = np.array([[5.0], [6.0]]).repeat(8, axis=1)
    p = fitted.p_values(values)
    assert (np.abs(np.log10(p) - np.log10(norm.sf(values))) < 1).all() and (np.diff(p, axis=0) < 0).all()
    inside = np.full((1, 8), 2.5)
    assert fitted.p_values(inside) == pytest.approx(counted.p_values(inside))
