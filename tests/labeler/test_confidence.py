from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tsea.labeler.confidence import HoldingModel


@pytest.mark.parametrize("effects", [(0.0, 4.0), (1.0, 2.5), (2.0, 2.0)])
def test_claims_hold_later_as_often_as_their_confidence_says(effects: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    effect = rng.choice(effects, size=2000)
    confirm, later = (stats.norm.sf(effect + rng.standard_normal(2000)) for _ in range(2))
    model = HoldingModel.of(confirm)
    claimed = confirm <= 0.05
    confidence = np.array([model.probability(p) for p in confirm[claimed]])
    held = later[claimed] <= 0.05
    for part in np.array_split(np.argsort(confidence), 4):
        assert confidence[part].mean() == pytest.approx(held[part].mean(), abs=0.08)
    power = stats.norm.sf(stats.norm.isf(0.05) - np.array(effects))
    assert confidence.mean() == pytest.approx((power**2).sum() / power.sum(), abs=0.03)


def test_where_all_have_the_same_effect_ones_own_p_says_nothing() -> None:
    rng = np.random.default_rng(1)
    model = HoldingModel.of(stats.norm.sf(2.0 + rng.standard_normal(4000)))
    power = stats.norm.sf(stats.norm.isf(0.05) - 2.0)
    assert [model.probability(p) for p in (0.2, 0.04, 0.002)] == pytest.approx([power] * 3, abs=0.08)


def test_confidence_never_falls_as_p_does_and_few_outcomes_give_no_certainty() -> None:
    for known in (np.array([]), np.array([1e-9]), np.array([1.0, 0.3]), np.array([0.01, 0.02, 1e-5])):
        model = HoldingModel.of(known)
        found = [model.probability(p) for p in (0.05, 0.02, 0.001, 1e-4, 1e-12)]
        assert np.all(np.diff(found) >= 0) and found[0] > 0.02 and found[-1] < 0.99
