from __future__ import annotations

import numpy as np

from tsea.tools.statistics.inflation import mean_square_norm, variance_inflation


def _factor(unembedding: np.ndarray, members: np.ndarray) -> float:
    centred = unembedding - unembedding.mean(axis=1, keepdims=True)
    means = centred[:, members].mean(axis=1, keepdims=True)
    return float(variance_inflation(means, np.array([len(members)]), mean_square_norm(unembedding))[0])


def test_inflation_is_the_variance_of_set_means_over_that_of_independent_tokens() -> None:
    generator = np.random.default_rng(0)
    clusters = np.repeat(generator.normal(size=(6, 20)), 15, axis=1)  # 20 clusters of 15 tokens
    unembedding = clusters + generator.normal(size=(6, 300)) + 3
    members = np.arange(30)
    directions = generator.normal(size=(40_000, 6))
    weights = directions @ (unembedding - unembedding.mean(axis=1, keepdims=True))
    measured = weights[:, members].mean(axis=1).var() / (weights.var(axis=0).mean() / len(members))
    np.testing.assert_allclose(_factor(unembedding, members), measured, rtol=0.05)
    assert measured > 5


def test_unrelated_tokens_inflate_nothing_and_equal_tokens_inflate_by_their_number() -> None:
    generator = np.random.default_rng(1)
    unembedding = generator.normal(size=(64, 4000))
    random = [_factor(unembedding, generator.choice(4000, 40, replace=False)) for _ in range(100)]
    np.testing.assert_allclose(np.mean(random), 1, atol=0.05)
    unembedding[:, :40] = unembedding[:, :1]
    norms = np.square(unembedding - unembedding.mean(axis=1, keepdims=True)).sum(axis=0)
    np.testing.assert_allclose(_factor(unembedding, np.arange(40)), 40 * norms[0] / norms.mean())


def test_scaling_or_shifting_the_unembedding_changes_no_factor() -> None:
    generator = np.random.default_rng(2)
    unembedding, members = generator.normal(size=(8, 100)), np.array([3, 5, 8, 13])
    np.testing.assert_allclose(_factor(5 * unembedding + 2, members), _factor(unembedding, members))
