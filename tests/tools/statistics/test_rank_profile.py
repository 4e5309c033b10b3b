from __future__ import annotations

import numpy as np
import pytest
import torch

from tsea.tools.statistics.enrichment import SetIndex, score_sets
from tsea.tools.statistics.mass import mass, side_weights
from tsea.tools.statistics.projection import standardise
from tsea.tools.statistics.rank_profile import StoredRankings, knots

TOKENS, ROWS = 4000, 40


def _stored(standardised: np.ndarray) -> StoredRankings:
    shapes = StoredRankings.shapes(len(standardised), standardised.shape[1])
    rankings = StoredRankings(**{name: np.zeros(shape, dtype=kind) for name, (shape, kind) in shapes.items()})
    for start in range(0, len(standardised), 16):
        rankings.store(start, standardised[start : start + 16])
    return rankings


@pytest.fixture(scope="module")
def standardised() -> np.ndarray:
    rng = np.random.default_rng(0)
    weights = rng.standard_t(4, size=(ROWS, TOKENS)).astype(np.float32)
    weights[::3] = np.round(weights[::3] * 2) / 2  # a third of the rows full of ties
    weights[5] = 1.5
    return standardise(torch.from_numpy(weights)).numpy()


@pytest.mark.parametrize("size", [1, 2, 30, 1999, TOKENS - 1])
def test_stored_rankings_give_ranks_statistics_exactly_and_others_closely(standardised: np.ndarray, size: int) -> None:
    members = np.sort(np.random.default_rng(size).choice(TOKENS, size, replace=False))
    rankings, every = _stored(standardised), slice(0, ROWS)
    found = rankings.scores(members, every) | rankings.masses(members, every)
    expected = score_sets(np.nan_to_num(standardised), SetIndex.from_positions([members], TOKENS))
    for side, scores in enumerate((expected.p0.positive, -expected.p0.negative)):
        np.testing.assert_allclose(found["es_p0"][:, side], scores[:, 0], atol=1e-12)
    np.testing.assert_allclose(found["rank_sum"][:, 0], expected.auroc[:, 0], atol=1e-12)
    x = torch.from_numpy(standardised)
    membership = torch.zeros(TOKENS, 1)
    membership[members] = 1
    mean = (x @ membership / size)[:, 0].numpy()
    weighted = {
        "es_p1": np.stack([expected.p1.positive[:, 0], -expected.p1.negative[:, 0]], axis=1),
        "mass": mass(side_weights(x), membership)[:, :, 0].numpy(),
        "mean": np.stack([mean, -mean], axis=1),
    }
    # Between knots weights are interpolated, which smooths the steps of tied rows.
    tied = np.arange(ROWS) % 3 == 0
    for name, values in weighted.items():
        np.testing.assert_allclose(found[name][~tied], values[~tied], atol=6e-3)  # type: ignore[index]
        np.testing.assert_allclose(found[name], values, atol=0.3)  # type: ignore[index]
    assert all(np.isnan(values[5]).all() for values in found.values())


def test_rows_can_be_asked_for_alone(standardised: np.ndarray) -> None:
    rankings, members = _stored(standardised), np.arange(7, 90)
    for read in (rankings.scores, rankings.masses):
        whole, one = read(members, slice(0, ROWS)), read(members, slice(11, 12))
        for name, values in whole.items():
            np.testing.assert_array_equal(one[name], values[11:12])


def test_ranks_take_two_bytes_up_to_65536_tokens_and_four_beyond() -> None:
    for tokens, kind in ((65_536, np.uint16), (65_537, np.uint32), (262_144, np.uint32)):
        assert StoredRankings.shapes(1, tokens)["ranks"][1] == kind
    rng = np.random.default_rng(3)
    weights = rng.normal(size=(1, 70_000)).astype(np.float32)
    members = np.array([0, 65_535, 65_536, 69_999])
    found = _stored(weights).scores(members, slice(0, 1))["rank_sum"][0, 0]
    outside = np.delete(weights[0], members)
    expected = np.mean([(weights[0, m] > outside).mean() for m in members])
    assert found == pytest.approx(expected, abs=1e-9)


def test_knots_hold_both_ends_whole_and_thin_out_between() -> None:
    places = knots(50_257)
    assert places[:256].tolist() == list(range(256)) and places[-1] == 50_256
    gaps = np.diff(places)
    assert (gaps >= 1).all() and gaps.max() < 700 and len(places) < 1200
    assert knots(5).tolist() == [0, 1, 2, 3, 4]


def test_the_spread_of_the_side_weights_is_that_over_all_tokens(standardised: np.ndarray) -> None:
    exact = side_weights(torch.from_numpy(standardised)).double().numpy()
    expected = exact.std(axis=2) / exact.mean(axis=2)
    found = _stored(standardised).variation(slice(0, ROWS))
    tied = np.arange(ROWS) % 3 == 0
    np.testing.assert_allclose(found[~tied], expected[~tied], rtol=2e-3)
    np.testing.assert_allclose(found, expected, rtol=0.05)
    assert np.isnan(found[5]).all()
