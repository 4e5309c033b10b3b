from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from tsea.tools.statistics.enrichment import SetIndex, score_sets
from tsea.tools.statistics.ks_null import expected_absolute_es
from tsea.tools.statistics.projection import standardise
from tsea.tools.statistics.random_set_null import random_set_tests
from tsea.tools.statistics.splitting import tail

TOKENS = 3000


@pytest.fixture(scope="module")
def standardised() -> np.ndarray:
    weights = np.random.default_rng(0).standard_t(5, size=(3, TOKENS)).astype(np.float32)
    return standardise(torch.from_numpy(weights)).numpy()


def test_each_statistic_is_uniform_over_random_sets(standardised: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    members = [rng.choice(TOKENS, 40, replace=False) for _ in range(1500)]
    sets = SetIndex.from_positions(members, TOKENS)
    found = random_set_tests(score_sets(standardised, sets), sets.sizes)
    for name, p in found.p.items():
        assert p.p.min() > 0 and p.p.max() <= 1
        for level in (0.01, 0.05, 0.2):
            share = (p.p <= level).mean()
            assert level * 0.6 < share < level * 1.4 + 0.005, (name, level, share)
    nes = np.abs(found.nes["es_p1"]).mean(), np.abs(found.nes["es_p0"]).mean()
    assert nes == pytest.approx((1, 1), abs=0.03)


def test_the_unweighted_p_is_that_of_kolmogorov_and_smirnov_and_nes_divides_by_the_mean(
    standardised: np.ndarray,
) -> None:
    members = np.arange(0, TOKENS, 60)
    sets = SetIndex.from_positions([members], TOKENS)
    scores = score_sets(standardised, sets)
    found = random_set_tests(scores, sets.sizes)
    for row in range(3):
        inside, outside = standardised[row, members], np.delete(standardised[row], members)
        for side, alternative in enumerate(("less", "greater")):
            expected = stats.ks_2samp(inside, outside, alternative=alternative, method="exact").pvalue
            assert found.p["es_p0"].p[row, side, 0] == pytest.approx(expected, rel=0.02)
    np.testing.assert_allclose(found.nes["es_p0"], scores.p0.score / expected_absolute_es(len(members), TOKENS))


def test_deep_tails_of_the_weighted_score_come_from_splitting(standardised: np.ndarray) -> None:
    order = np.argsort(-standardised[0])
    sets = SetIndex.from_positions([np.concatenate([order[:9], order[100::180][:16]])], TOKENS)
    scores = score_sets(standardised[:1], sets)
    deep = random_set_tests(scores, sets.sizes, deep=True).p["es_p1"]
    magnitudes = np.abs(np.sort(standardised[0])[::-1])
    large = tail(magnitudes, 25, [float(scores.p1.positive[0, 0])], "promoted", runs=16, sets=256, seed=5)
    assert np.log10(deep.p[0, 0, 0]) == pytest.approx(large.log_p[0] / np.log(10), abs=0.6)
    assert 1e-12 < deep.p[0, 0, 0] < 1e-4 and 0 < deep.log10_error[0, 0, 0] < 0.3


def test_a_constant_row_has_no_p(standardised: np.ndarray) -> None:
    rows = np.concatenate([standardised[:1], np.zeros((1, TOKENS), dtype=np.float32)])
    sets = SetIndex.from_positions([np.arange(30)], TOKENS)
    found = random_set_tests(score_sets(rows, sets), sets.sizes)
    for p in found.p.values():
        assert np.isnan(p.p[1]).all() and not np.isnan(p.p[0]).any()
