from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from tsea.tools.statistics.enrichment import SetIndex, score_sets
from tsea.tools.statistics.rank_sum import rank_sum_p


def untied_share(values: np.ndarray) -> np.ndarray:
    return score_sets(values, SetIndex.from_positions([], values.shape[1])).untied


@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 5, 1000]))
def test_p_is_that_of_the_mann_whitney_test_with_ties_corrected(seed: int, levels: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.integers(0, levels, size=(1, 60)).astype(np.float32)
    members = generator.permutation(60) < 14
    inside, outside = (values[0, part].astype(np.float64) for part in (members, ~members))
    tests = [
        mannwhitneyu(inside, outside, alternative=side, method="asymptotic", use_continuity=False)
        for side in ("greater", "less")
    ]
    auroc = np.array([[tests[0].statistic / (14 * 46)]], dtype=np.float64)
    found = rank_sum_p(auroc, np.array([14]), untied_share(values), 60).p
    np.testing.assert_allclose(found[0, :, 0], [test.pvalue for test in tests], rtol=1e-9)


def test_a_row_of_equal_values_has_no_share_and_no_p_and_untied_rows_have_all() -> None:
    values = np.stack([np.zeros(50), np.arange(50)]).astype(np.float32)
    shares = untied_share(values)
    assert shares.tolist() == [0, 1]
    p = rank_sum_p(np.array([[np.nan], [1.0]]), np.array([20]), shares, 50).p
    assert np.isnan(p[0]).all()
    assert 0 < p[1, 0, 0] < 1e-8


def test_p_is_above_zero_however_far_out() -> None:
    p = rank_sum_p(np.array([[1.0]]), np.array([100_000]), np.array([1.0]), 262_144).p
    assert 0 < p[0, 0, 0] < 1e-300


def test_the_error_covers_how_far_the_normal_p_is_from_the_exact_one() -> None:
    values = np.arange(60, dtype=np.float32)[None]
    for won in (0.7, 0.8, 0.9, 0.97):
        u = round(won * 12 * 48)
        # The exact distribution of U depends on the sizes alone: any set with this U serves.
        exact = float(_exact_tail(u, 12, 48))
        found = rank_sum_p(np.array([[u / (12 * 48)]]), np.array([12]), untied_share(values), 60)
        off = abs(np.log10(found.p[0, 0, 0] / exact))
        assert off <= 2.5 * found.log10_error[0, 0, 0] + 0.03
        assert found.log10_error[0, 0, 0] <= 2 * off + 0.05


def _exact_tail(u: int, k: int, m: int) -> float:
    """P(U >= u) by counting: the Gaussian binomial coefficient as a product of polynomials."""
    counts = np.zeros(k * m + 1)
    counts[0] = 1
    for i in range(1, k + 1):
        numerator = counts.copy()
        numerator[m + i :] -= counts[: len(counts) - m - i]
        for j in range(i, len(numerator)):
            numerator[j] += numerator[j - i]
        counts = numerator
    return counts[u:].sum() / counts.sum()
