"""Whitened logit weights: what a direction says about a token beyond what it says about all tokens alike.

A few directions of the residual stream, such as those of token frequency, make up much of every logit weight. With C
the covariance of the unembedding's columns over the universe, C^-1/2 W_U weighs every direction of the stream equally,
so that over isotropic directions the tokens' weights are as little correlated as can be.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Directions that the unembedding hardly reads are left out (where it is centred, there is always one).
RANK_TOLERANCE = 1e-6
_BLOCK = 4096


def whitened(columns: NDArray[np.float32], power: float = -0.5) -> NDArray[np.float32]:
    """C^power times columns (D, V), each row centred; C has rank at most V - 1, beyond which nothing is read."""
    centred = columns - columns.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    covariance = np.zeros((len(columns), len(columns)))
    for start in range(0, centred.shape[1], _BLOCK):  # in float64, but not of the whole unembedding at once
        part = centred[:, start : start + _BLOCK].astype(np.float64)
        covariance += part @ part.T
    values, vectors = np.linalg.eigh(covariance / max(1, centred.shape[1] - 1))
    read = values > RANK_TOLERANCE * values[-1]
    return ((vectors[:, read] * values[read] ** power) @ vectors[:, read].T).astype(np.float32) @ centred
