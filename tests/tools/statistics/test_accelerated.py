"""The torch path on CPU tensors against the compiled path: equal bit for bit for p=0, to 1e-12 for p=1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.statistics.accelerated import score_sets_on_device
from tsea.tools.statistics.enrichment import EnrichmentScores, SetIndex, SetScores, score_sets

ENOUGH = 10**8
few = settings(max_examples=25, deadline=None)


def bits(values):
    return np.ascontiguousarray(values).view(np.int64)


def assert_same(found: SetScores, expected: SetScores):
    for name in ("p0", "p1"):
        mine: EnrichmentScores = getattr(found, name)
        theirs: EnrichmentScores = getattr(expected, name)
        np.testing.assert_array_equal(mine.peak_positive, theirs.peak_positive)
        np.testing.assert_array_equal(mine.peak_negative, theirs.peak_negative)
        np.testing.assert_allclose(mine.positive, theirs.positive, rtol=0, atol=1e-12)
        np.testing.assert_allclose(mine.negative, theirs.negative, rtol=0, atol=1e-12)
    defined = ~np.isnan(expected.p0.positive)
    np.testing.assert_array_equal(bits(found.p0.positive[defined]), bits(expected.p0.positive[defined]))
    np.testing.assert_array_equal(bits(found.p0.negative[defined]), bits(expected.p0.negative[defined]))
    np.testing.assert_allclose(found.auroc, expected.auroc, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.magnitudes, expected.magnitudes)
    np.testing.assert_allclose(found.untied, expected.untied, rtol=0, atol=1e-12)


@few
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 0, 1]))
def test_both_paths_agree_on_any_vocabulary_with_and_without_ties(seed, decimals):
    rng = np.random.default_rng(seed)
    n_tokens = int(rng.integers(2, 300))
    weights = rng.standard_t(3, size=(3, n_tokens))
    weights = (weights if decimals is None else np.round(weights, decimals)).astype(np.float32)
    sizes = rng.integers(1, n_tokens, size=4)
    sets = SetIndex.from_positions([rng.choice(n_tokens, size, replace=False) for size in sizes], n_tokens)
    assert_same(score_sets_on_device(torch.from_numpy(weights), sets, ENOUGH), score_sets(weights, sets))


def test_large_vocabularies_and_more_sets_than_a_group_agree():
    rng = np.random.default_rng(0)
    weights = rng.standard_t(4, size=(2, 70_001)).astype(np.float32)
    weights[1] = np.round(weights[1], 2)
    sizes = np.geomspace(1, 70_000, 40).astype(int)
    sets = SetIndex.from_positions([rng.choice(70_001, size, replace=False) for size in sizes], 70_001)
    assert_same(score_sets_on_device(torch.from_numpy(weights), sets, 5 * ENOUGH), score_sets(weights, sets))


def test_the_memory_budget_changes_the_chunks_and_not_the_scores():
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(7, 500)).astype(np.float32)
    sets = SetIndex.from_positions([rng.choice(500, size, replace=False) for size in (4, 100, 400)], 500)
    assert_same(score_sets_on_device(torch.from_numpy(weights), sets, 2_000_000), score_sets(weights, sets))


def test_rows_of_equal_weights_and_sets_without_weight_have_no_score():
    weights = np.array([[2, 2, 2, 2], [-0.0, 0.0, 0.0, -0.0], [1, 0, -0.0, -1]], dtype=np.float32)
    sets = SetIndex.from_positions([np.array([1, 2]), np.array([0])], 4)
    found = score_sets_on_device(torch.from_numpy(weights), sets, ENOUGH)
    assert_same(found, score_sets(weights, sets))
    assert np.isnan(found.p1.score[2, 0]) and found.p0.score[2, 1] == 1


def test_no_features_give_empty_scores():
    sets = SetIndex.from_positions([np.array([1])], 5)
    assert score_sets_on_device(torch.empty((0, 5)), sets, ENOUGH).p1.score.shape == (0, 1)


@pytest.mark.parametrize(
    ("weights", "memory", "error", "words"),
    [
        (torch.ones(2, 6), 1000, UsageError, "needs .* bytes on the device, got 1000"),
        (torch.ones(2, 6, dtype=torch.float64), ENOUGH, UsageError, "float32"),
        (torch.ones(6), ENOUGH, UsageError, "shape"),
        (torch.ones(2, 0), ENOUGH, UsageError, "shape"),
        (torch.ones(2, 5), ENOUGH, UsageError, "over 6 tokens do not fit weights over 5"),
        (torch.tensor([[1, 2, 3, 4, 5, float("nan")]]), ENOUGH, TseaError, "not finite"),
        (torch.tensor([[1, 2, 3, 4, 5, float("inf")]]), ENOUGH, TseaError, "not finite"),
    ],
)
def test_wrong_input_is_refused_in_one_line(weights, memory, error, words):
    sets = SetIndex.from_positions([np.array([1])], 6)
    with pytest.raises(error, match=words) as caught:
        score_sets_on_device(weights, sets, memory)
    assert "\n" not in str(caught.value)
