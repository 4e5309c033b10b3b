"""Rankings against numpy's stable sort, and refusal of what cannot be ranked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.statistics.ranks import checked_weights, descending_order

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
ROWS = npst.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=FLOATS)


@given(ROWS)
def test_order_is_a_stable_descending_sort(weights):
    expected = np.argsort(-weights.astype(np.float64), axis=1, kind="stable")  # -x + 0.0: numpy too takes -0.0 == 0.0
    np.testing.assert_array_equal(descending_order(weights), expected)


@pytest.mark.parametrize("n_tokens", [151_936, 262_144])
def test_order_is_right_for_the_largest_vocabularies(n_tokens):
    weights = np.random.default_rng(0).normal(size=(2, n_tokens)).astype(np.float32)
    np.testing.assert_array_equal(descending_order(weights), np.argsort(-weights, axis=1, kind="stable"))


def test_negative_zero_ties_with_zero_and_extremes_are_ordered():
    tiny = np.finfo(np.float32).smallest_subnormal
    row = np.array([[-0.0, 0.0, -tiny, tiny, -3e38, 3e38, -0.0]], dtype=np.float32)
    assert descending_order(row).tolist() == [[5, 3, 0, 1, 6, 2, 4]]


def test_a_view_with_gaps_is_ranked_like_its_copy():
    wide = np.random.default_rng(1).normal(size=(3, 20)).astype(np.float32)
    np.testing.assert_array_equal(descending_order(wide[:, ::2]), descending_order(wide[:, ::2].copy()))


def test_no_features_give_no_rankings():
    assert descending_order(np.empty((0, 5), dtype=np.float32)).shape == (0, 5)


@pytest.mark.parametrize(
    ("weights", "error", "words"),
    [
        (np.zeros(3, dtype=np.float32), UsageError, r"shape \(features, tokens\), got \(3,\)"),
        (np.zeros((2, 0), dtype=np.float32), UsageError, r"got \(2, 0\)"),
        (np.zeros((2, 3)), UsageError, "float32, got float64"),
        (np.array([[0, 1], [np.nan, 1]], dtype=np.float32), TseaError, "1 of 2 rows .first: row 1"),
        (np.array([[np.inf, 1], [-np.inf, 1]], dtype=np.float32), TseaError, "2 of 2 rows .first: row 0"),
    ],
)
def test_unusable_weights_are_refused_with_what_to_do(weights, error, words):
    with pytest.raises(error, match=words) as caught:
        checked_weights(weights)
    assert "\n" not in str(caught.value)
