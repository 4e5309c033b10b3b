"""Variance inflation of token sets: how far tokens that go together mislead a null of random sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_square_norm(unembedding: NDArray[np.floating]) -> float:
    """Mean squared norm of the unembedding's columns (D, V), centred here: a token's variance over directions, but for
    a factor."""
    columns = unembedding.astype(np.float64)
    columns -= columns.mean(axis=1, keepdims=True)
    return float(np.square(columns).sum() / columns.shape[1])


def variance_inflation(
    set_means: NDArray[np.floating], sizes: NDArray[np.integer], token_square: float
) -> NDArray[np.float64]:
    """Variance inflation factor k |u_S|^2 / mean |w|^2 of every set (S,).

    `set_means` (D, S) are the mean unembedding columns u_S of sets of `sizes` (S,) tokens, centred over the universe,
    `token_square` what mean_square_norm gives. Over isotropic directions the mean logit weight of S varies this many
    times as much as that of k tokens drawn independently: 1 for unrelated tokens, k for equal ones.
    """
    return sizes * np.square(set_means.astype(np.float64)).sum(axis=0) / token_square
