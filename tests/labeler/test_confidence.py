from __future__ import annotations

import numpy as np
import pytest

from tsea.labeler.confidence import holding_rate


def test_rates_follow_the_observed_share_and_never_fall_with_strength() -> None:
    rng = np.random.default_rng(0)
    strength = rng.uniform(0, 10, 5000)
    held = rng.random(5000) < strength / 10
    at = np.linspace(0.5, 9.5, 10)
    found = holding_rate(strength, held, at)
    assert np.all(np.diff(found) >= 0)
    assert found == pytest.approx(at / 10, abs=0.12)


def test_few_outcomes_give_neither_certainty_nor_an_error() -> None:
    assert holding_rate(np.array([]), np.array([], dtype=bool), np.array([1.0, 2.0])).tolist() == [0.5, 0.5]
    assert holding_rate(np.array([3.0]), np.array([True]), np.array([1.0]))[0] == pytest.approx(2 / 3)
    assert holding_rate(np.array([3.0]), np.array([False]), np.array([9.0]))[0] == pytest.approx(1 / 3)
