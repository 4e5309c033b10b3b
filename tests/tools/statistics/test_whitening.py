from __future__ import annotations

import numpy as np
import pytest

from tsea.tools.statistics.whitening import whitened


@pytest.fixture
def columns() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(6, 6)) @ rng.normal(size=(6, 9000)) + 2).astype(np.float32)


def test_whitened_columns_have_the_identity_as_covariance(columns: np.ndarray) -> None:
    np.testing.assert_allclose(np.cov(whitened(columns)), np.eye(6), atol=1e-3)


def test_the_square_root_applied_twice_is_the_inverse(columns: np.ndarray) -> None:
    twice, centred = whitened(columns, -1.0), columns - columns.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(twice, np.linalg.solve(np.cov(centred), centred), atol=2e-3)
    np.testing.assert_allclose(whitened(columns, 0.0), centred, atol=1e-4)


def test_what_the_unembedding_does_not_read_stays_unread(columns: np.ndarray) -> None:
    columns[0] = columns[1]  # a direction in which all columns are 0
    found = whitened(columns)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.linalg.eigvalsh(np.cov(found)), [0, 1, 1, 1, 1, 1], atol=1e-3)


def test_rotating_or_scaling_the_stream_does_not_change_weights_of_matching_directions(columns: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0].astype(np.float32)
    direction = rng.normal(size=6).astype(np.float32)
    turned = (direction @ rotation.T) @ whitened((rotation @ (5 * columns)).astype(np.float32))
    np.testing.assert_allclose(turned, direction @ whitened(columns), atol=2e-3)
