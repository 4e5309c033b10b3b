"""Tails by multilevel splitting against exact values, enumeration and plain Monte Carlo."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.statistics import splitting
from tsea.tools.statistics.enrichment import EnrichmentScores, SetIndex, enrichment_scores
from tsea.tools.statistics.ks_null import log_p_one_sided
from tsea.tools.statistics.p_values import PValues
from tsea.tools.statistics.splitting import refined, tail

V = 3000
QUICK = {"runs": 4, "sets": 64}


def heavy_tailed(seed=2):
    return np.sort(np.random.default_rng(seed).standard_t(4, size=V))[::-1].astype(np.float32)


@pytest.mark.parametrize("size", [10, 100, 2000])
def test_equal_weights_give_the_exact_tail_down_to_1e_10(size):
    grid = np.linspace(0, 1, 4001)
    levels = np.array([-1.0, -2, -4, -7, -10])
    scores = np.interp(-levels, -log_p_one_sided(grid, size, V) / math.log(10), grid)
    exact = log_p_one_sided(scores, size, V) / math.log(10)
    result = tail(np.ones(V, np.float32), size, scores, "promoted")
    off = np.abs(result.log_p / math.log(10) - exact)
    assert np.all(off < 0.5) and off[0] < 0.15
    assert np.all(result.standard_error > 0) and np.all(result.standard_error < 0.6)


@pytest.mark.parametrize("size", [20, 600])
@pytest.mark.parametrize("side", ["promoted", "suppressed"])
def test_common_scores_have_the_p_values_of_plain_monte_carlo(size, side):
    weights = heavy_tailed()
    rng = np.random.default_rng(5)
    sets = SetIndex.from_positions([rng.choice(V, size, replace=False) for _ in range(6000)], V)
    drawn = enrichment_scores(weights[None], sets, 1)
    values = drawn.positive[0] if side == "promoted" else -drawn.negative[0]
    levels = np.array([0.5, 0.1, 0.01])
    result = tail(np.abs(weights), size, np.quantile(values, 1 - levels), side)
    np.testing.assert_allclose(np.exp(result.log_p), levels, rtol=0.3)


def test_the_best_set_has_the_chance_of_one_set_among_all():
    magnitudes = np.linspace(9, 1, 60).astype(np.float32)
    result = tail(magnitudes, 4, [1.0], "promoted")
    assert result.log_p[0] == pytest.approx(-math.log(math.comb(60, 4)), abs=1.0)


def test_sets_by_bins_have_the_tail_of_sets_by_members(monkeypatch):
    magnitudes = np.abs(heavy_tailed())
    scores = [0.45, 0.55, 0.62]
    by_members = tail(magnitudes, 60, scores, "suppressed", **QUICK)
    monkeypatch.setattr(splitting, "_BY_MEMBER", 10)
    by_bins = tail(magnitudes, 60, scores, "suppressed", **QUICK)
    assert by_members.log_p[-1] < math.log(1e-6)
    np.testing.assert_allclose(by_bins.log_p, by_members.log_p, atol=0.7)


def test_each_side_is_the_other_of_the_ranking_turned_round():
    magnitudes = np.abs(heavy_tailed())
    one = tail(magnitudes, 15, [0.7], "promoted", **QUICK)
    other = tail(magnitudes[::-1], 15, [0.7], "suppressed", **QUICK)
    assert one.log_p[0] == other.log_p[0] != tail(magnitudes, 15, [0.7], "suppressed", **QUICK).log_p[0]


def test_scores_come_in_any_order_and_a_score_of_0_has_p_1():
    result = tail(np.abs(heavy_tailed()), 15, [0.6, 0.0, 0.8, 0.3], "promoted", **QUICK)
    assert result.log_p[1] == 0 and np.all(np.diff(result.log_p[[1, 3, 0, 2]]) < 0)


def test_deeper_than_followed_gives_an_upper_bound_without_error(monkeypatch):
    monkeypatch.setattr(splitting, "DEEPEST", math.log(1e-4))
    result = tail(np.ones(V, np.float32), 10, [0.3, 1.0], "promoted", **QUICK)
    assert math.isfinite(result.standard_error[0]) and math.isnan(result.standard_error[1])
    assert float(log_p_one_sided(1.0, 10, V)) < result.log_p[1] < math.log(2e-4)


def test_scores_no_set_can_reach_get_an_upper_bound():
    # one token carries all weight: half of the sets of half of the tokens have a score, and it is at most 1
    magnitudes = np.zeros(40, np.float32)
    magnitudes[20] = 1
    result = tail(magnitudes, 20, [0.9], "promoted", **QUICK)
    assert math.isnan(result.standard_error[0]) or result.log_p[0] < math.log(1e-3)
    assert math.isfinite(result.log_p[0])


def test_runs_depend_on_the_seed_alone():
    magnitudes = np.abs(heavy_tailed())
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    one_thread = tail(magnitudes, 20, [0.6], "promoted", **QUICK, seed=0)
    numba.set_num_threads(before)
    again = tail(magnitudes, 20, [0.6], "promoted", **QUICK, seed=0)
    other = tail(magnitudes, 20, [0.6], "promoted", **QUICK, seed=1)
    assert one_thread.log_p[0] == again.log_p[0] != other.log_p[0]


def test_only_small_p_values_are_refined():
    magnitudes = np.abs(np.stack([heavy_tailed(), heavy_tailed(7)]))
    positive = np.array([[0.2, 0.85, np.nan], [0.3, 0.3, 0.9]])
    nowhere = np.full(positive.shape, -1, dtype=np.int32)
    scores = EnrichmentScores(positive, np.full(positive.shape, -0.05), nowhere, nowhere)
    p = np.full((2, 2, 3), 0.3)
    p[0, 0, 1], p[1, 0, 2], p[0, :, 2] = 1e-5, 1e-6, np.nan
    result = refined(PValues(p, np.full(p.shape, 0.5)), magnitudes, scores, [20, 20, 15])
    kept = ~(p < 1e-4)
    np.testing.assert_array_equal(result.p[kept], p[kept])
    assert np.all(result.log10_error[kept] == 0.5)
    expected = tail(magnitudes[1], 15, [0.9], "promoted")
    assert result.p[1, 0, 2] == np.exp(expected.log_p[0])
    assert result.log10_error[1, 0, 2] == expected.standard_error[0] / math.log(10)
    assert 0 < result.p[0, 0, 1] < 1e-3


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"size": 0}, "1 to 2999 tokens"),
        ({"size": V}, "1 to 2999 tokens"),
        ({"scores": [1.2]}, "between 0 and 1"),
        ({"scores": [-0.2]}, "between 0 and 1"),
        ({"scores": [math.nan]}, "between 0 and 1"),
        ({"side": "up"}, "promoted or suppressed"),
        ({"runs": 1}, "at least 2 runs"),
        ({"magnitudes": -np.ones(V, np.float32)}, "absolute values"),
        ({"magnitudes": np.ones(V)}, "float32"),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    wanted = {"magnitudes": np.ones(V, np.float32), "size": 5, "scores": [0.5], "side": "promoted", **changed}
    with pytest.raises(UsageError, match=message):
        tail(**wanted)


def test_weights_that_are_not_finite_are_refused():
    with pytest.raises(TseaError, match="not finite"):
        tail(np.full(V, np.inf, np.float32), 5, [0.5], "promoted")
