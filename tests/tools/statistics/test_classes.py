from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from tsea.tools.statistics.classes import (
    LOCAL,
    PARTITION,
    PREDICTION,
    SUPPRESSION,
    UNCLASSIFIED,
    ClassThresholds,
    classify,
)
from tsea.tools.statistics.mass import concentration
from tsea.tools.statistics.moments import Moments, moments
from tsea.tools.statistics.names import CLASSES
from tsea.tools.statistics.projection import standardise

TOKENS = 3000
Shape = tuple[Moments, np.ndarray]


def _shape(weights: np.ndarray) -> Shape:
    weights = weights.astype(np.float32)
    return moments(weights), concentration(standardise(torch.from_numpy(weights)))[:, 0].numpy()


@pytest.fixture(scope="module")
def null() -> Shape:
    return _shape(np.random.default_rng(0).normal(size=(2000, TOKENS)))


def test_at_most_the_stated_share_of_random_directions_gets_a_class(null: Shape) -> None:
    codes = classify(*null, ClassThresholds.from_null(null[0]))
    assert 0 < (codes != UNCLASSIFIED).mean() <= 0.05


def test_shapes_get_the_class_they_were_built_for(null: Shape) -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(5, TOKENS))
    weights[4] = stats.norm.ppf((np.arange(TOKENS) + 0.5) / TOKENS)  # as normal as can be
    weights[0, :3] += 40  # a few tokens far above all others
    weights[1, :1000] += 6  # two modes
    weights[2, :200] += 4  # a set promoted
    weights[3, :200] -= 4  # a set suppressed
    weights /= weights.std(axis=1, keepdims=True)
    weights[1] *= 2
    codes = classify(*_shape(weights), ClassThresholds.from_null(null[0]))
    assert codes.tolist() == [LOCAL, PARTITION, PREDICTION, SUPPRESSION, UNCLASSIFIED]


def test_a_feature_that_ranks_nothing_is_unclassified(null: Shape) -> None:
    codes = classify(*_shape(np.zeros((1, TOKENS))), ClassThresholds.from_null(null[0]))
    assert CLASSES[codes[0]] == "unclassified"
