"""Bins of ranks: a partition, single ranks at the ends, overshoot against simulated walks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsea.tools.statistics.rank_bins import RankBins


@given(st.integers(2, 300_000), st.integers(1, 500))
def test_bins_partition_the_ranks_alike_from_both_ends_and_keep_within_the_widest(n_tokens, middle):
    bins = RankBins.over(n_tokens, middle)
    assert bins.edges[0] == 0 and bins.n_tokens == n_tokens
    assert bins.widths.min() >= 1 and bins.widths.max() <= max(1, n_tokens // middle)
    np.testing.assert_array_equal(bins.edges, n_tokens - bins.edges[::-1])
    ends = min(16, n_tokens // 2)
    assert np.all(bins.widths[:ends] == 1)


def test_means_are_those_of_each_bin():
    bins = RankBins.over(1000, 20)
    rows = np.random.default_rng(0).random((3, 1000), dtype=np.float32)
    expected = [[row[a:b].mean() for a, b in zip(bins.edges[:-1], bins.edges[1:], strict=True)] for row in rows]
    np.testing.assert_allclose(bins.means(rows), expected, rtol=1e-5)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_overshoot_brings_maxima_at_the_ends_of_bins_up_to_maxima_at_every_rank(share):
    rng = np.random.default_rng(1)
    n_tokens, size = 4000, int(4000 * share)
    bins = RankBins.over(n_tokens, 40)
    hits = rng.permuted(np.tile(np.arange(n_tokens) < size, (3000, 1)), axis=1)
    steps = np.where(hits, 1 / size, -1 / (n_tokens - size))
    walks = steps.cumsum(axis=1)
    every = walks.max(axis=1).mean()
    ends = walks[:, bins.edges[1:] - 1]
    jump = 1 / size + 1 / (n_tokens - size)
    raised = (ends + jump * bins.overshoot(size)).max(axis=1).mean()
    assert ends.max(axis=1).mean() < 0.95 * every
    assert raised == pytest.approx(every, rel=0.01)
    assert np.all(bins.overshoot(size)[bins.widths == 1] == 0)
