"""All rank statistics from one sort: against a naive loop, at the integer-width limits, and on degenerate input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.statistics.enrichment import Power, SetIndex, enrichment_scores, score_sets

POWERS: tuple[Power, Power] = (0, 1)
few = settings(max_examples=30)


def plain_auroc(row, members):
    """P(member outranks non-member) over all pairs, ties half."""
    inside = np.isin(np.arange(row.size), members)
    difference = row[inside][:, None].astype(float) - row[~inside][None]
    return ((difference > 0) + 0.5 * (difference == 0)).mean()


def plain_extremes(row, members, power):
    """ES+, ES- and the ranks where the running sum stands there, read where blocks of ties end."""
    order = np.argsort(-row.astype(np.float64), kind="stable")
    ranked = row[order].astype(np.float64)
    hit = np.isin(order, members)
    gain = np.where(hit, np.abs(ranked) ** power, 0.0)
    walk = np.cumsum(gain) / gain.sum() - np.cumsum(~hit) / (~hit).sum()
    ends = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    top, bottom = max(walk[ends].max(), 0.0), min(walk[ends].min(), 0.0)
    peak = ends[walk[ends] >= top - 1e-12][0] if top > 1e-12 else -1
    trough = ends[walk[ends] <= bottom + 1e-12][0] if bottom < -1e-12 else -1
    return top, bottom, peak, trough


def assert_plain(weights, positions):
    scores = score_sets(weights, SetIndex.from_positions(positions, weights.shape[1]))
    for feature, row in enumerate(weights):
        for index, members in enumerate(positions):
            assert scores.auroc[feature, index] == pytest.approx(plain_auroc(row, members), abs=1e-12)
            for power, found in zip(POWERS, (scores.p0, scores.p1), strict=True):
                if not np.any(np.abs(row[members]) ** power):
                    assert np.isnan(found.score[feature, index])
                    continue
                at = (feature, index)
                values = (found.positive[at], found.negative[at], found.peak_positive[at], found.peak_negative[at])
                np.testing.assert_allclose(values, plain_extremes(row, members, power), rtol=0, atol=1e-12)


@few
@given(st.integers(0, 2**32 - 1), st.sampled_from(["few ties", "many ties", "half zeros"]))
def test_all_statistics_agree_with_naive_loops_for_short_and_long_sets(seed, ties):
    rng = np.random.default_rng(seed)
    n_tokens = int(rng.integers(3, 400))
    weights = rng.standard_t(3, size=(2, n_tokens))
    if ties == "many ties":
        weights = np.round(2 * weights)
    if ties == "half zeros":
        weights[rng.random(weights.shape) < 0.5] = 0
    weights[:, 0] = 1 + np.abs(weights).max()  # no row of equal weights
    sizes = {1, n_tokens - 1, *rng.integers(1, n_tokens, size=4).tolist()}
    assert_plain(weights.astype(np.float32), [rng.choice(n_tokens, size, replace=False) for size in sizes])


@pytest.mark.parametrize("n_tokens", [64, 65, 65_535, 65_536, 65_537, 92_681, 92_683, 262_144])
def test_vocabularies_at_the_limits_of_integer_widths_are_exact(n_tokens):
    rng = np.random.default_rng(n_tokens)
    weights = rng.permutation(n_tokens).astype(np.float32)[None] - n_tokens // 2 + 0.5
    order = np.argsort(-weights[0])
    third = n_tokens // 3
    extreme = [order[:third], order[-third:], order[: n_tokens // 2], np.setdiff1d(order, order[:1])]
    scores = score_sets(weights, SetIndex.from_positions(extreme, n_tokens))
    for power in (scores.p0, scores.p1):
        np.testing.assert_allclose(power.score[0], [1, -1, 1, -1], rtol=0, atol=1e-12)
        assert power.peak_positive[0, :3].tolist() == [third - 1, -1, n_tokens // 2 - 1]
        assert power.peak_negative[0, [1, 3]].tolist() == [n_tokens - third - 1, 0]
    np.testing.assert_allclose(scores.auroc[0], [1, 0, 1, 0], rtol=0, atol=1e-12)
    # a set of every second rank: the sum of ranks reaches V^2 / 4 and the running sum stays within one step
    comb = score_sets(weights, SetIndex.from_positions([order[::2]], n_tokens))
    k = (n_tokens + 1) // 2
    assert comb.p0.positive[0, 0] <= 1 / k + 1e-12
    assert comb.auroc[0, 0] == pytest.approx(1 - (k * (k - 1) - k * (k - 1) / 2) / (k * (n_tokens - k)), abs=1e-12)


def test_one_pass_gives_what_one_power_alone_gives():
    rng = np.random.default_rng(0)
    weights = np.round(rng.normal(size=(5, 900)) * 20).astype(np.float32)
    sets = SetIndex.from_positions([rng.choice(900, size, replace=False) for size in (3, 14, 15, 200, 899)], 900)
    both = score_sets(weights, sets)
    for power, found in zip(POWERS, (both.p0, both.p1), strict=True):
        alone = enrichment_scores(weights, sets, power)
        for field in ("positive", "negative", "peak_positive", "peak_negative"):
            np.testing.assert_array_equal(getattr(found, field), getattr(alone, field))


@few
@given(st.integers(0, 2**32 - 1))
def test_auroc_turns_around_with_the_weights_and_with_the_complement(seed):
    rng = np.random.default_rng(seed)
    weights = np.round(rng.normal(size=(2, 130)) * 5).astype(np.float32)
    members = rng.choice(130, int(rng.integers(1, 130)), replace=False)
    sets = SetIndex.from_positions([members, np.setdiff1d(np.arange(130), members)], 130)
    auroc = score_sets(weights, sets).auroc
    np.testing.assert_allclose(auroc.sum(axis=1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(auroc + score_sets(-weights, sets).auroc, 1, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(auroc, score_sets(weights * 3, sets).auroc)


def test_a_row_of_equal_weights_has_no_statistic_and_its_neighbours_keep_theirs():
    weights = np.array([[3, 3, 3, 3], [4, 3, 2, 1], [-0.0, 0.0, 0.0, -0.0]], dtype=np.float32)
    scores = score_sets(weights, SetIndex.from_positions([np.array([0, 1]), np.array([3])], 4))
    assert np.isnan(scores.auroc).all(axis=1).tolist() == [True, False, True]
    assert scores.auroc[1].tolist() == [1, 0]
    for power in (scores.p0, scores.p1):
        assert np.isnan(power.score).all(axis=1).tolist() == [True, False, True]
        assert (power.peak_positive[[0, 2]] == -1).all() and (power.peak_negative[[0, 2]] == -1).all()


def test_views_with_gaps_and_repeated_positions_change_nothing():
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(8, 200)).astype(np.float32)
    sets = SetIndex.from_positions([np.array([5, 3, 5, 90, 3])], 100)
    assert sets.sizes.tolist() == [3]
    found, expected = score_sets(wide[::2, ::2], sets), score_sets(wide[::2, ::2].copy(), sets)
    np.testing.assert_array_equal(found.p1.score, expected.p1.score)
    np.testing.assert_array_equal(found.auroc, expected.auroc)


def test_no_features_and_no_sets_give_empty_scores():
    sets = SetIndex.from_positions([np.array([1])], 5)
    assert score_sets(np.empty((0, 5), dtype=np.float32), sets).auroc.shape == (0, 1)
    empty = score_sets(np.ones((2, 5), dtype=np.float32), SetIndex.from_positions([], 5))
    assert empty.p0.score.shape == empty.auroc.shape == (2, 0)


@pytest.mark.parametrize(
    ("weights", "members", "error", "words"),
    [
        (np.array([[1, np.nan, 2]], dtype=np.float32), [0], TseaError, "not finite in 1 of 1 rows"),
        (np.array([[1, -np.inf, 2]], dtype=np.float32), [0], TseaError, "not finite in 1 of 1 rows"),
        (np.array([[1.0, 2.0, 3.0]]), [0], UsageError, "float32, got float64"),
        (np.array([[1, 2, 3]], dtype=np.float32), [], UsageError, "is empty"),
        (np.array([[1, 2, 3]], dtype=np.float32), [0, 1, 2], UsageError, "whole vocabulary"),
        (np.array([[1, 2]], dtype=np.float32), [0], UsageError, "over 3 tokens do not fit weights over 2"),
    ],
)
def test_wrong_input_is_refused_in_one_line(weights, members, error, words):
    sets = SetIndex.from_positions([np.array(members, dtype=int)], 3)
    with pytest.raises(error, match=words) as caught:
        score_sets(weights, sets)
    assert "\n" not in str(caught.value)
