"""A feature's ranking split by a set, as numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from tsea.tools.errors import UsageError
from tsea.tools.feature_plots import FeaturePlot

if TYPE_CHECKING:
    from tsea.tools.workbench import Workbench


@pytest.mark.parametrize("spec", ["pos.JJ", '{"suffix": "ing"}', '{"not": {"suffix": "ing"}}'])
def test_the_auroc_is_that_of_the_rank_sum_test(pocket_bench: Workbench, spec: str) -> None:
    plot = FeaturePlot.of(pocket_bench, 24, spec)
    inside = plot.weights[plot.mask]
    expected = stats.mannwhitneyu(inside, plot.weights[~plot.mask]).statistic / (len(inside) * (~plot.mask).sum())
    assert plot.auroc == pytest.approx(expected, abs=1e-6)


def test_data_pictures_and_weights_are_of_the_same_open_tokens(pocket_bench: Workbench) -> None:
    plot = FeaturePlot.of(pocket_bench, 24, "pos.JJ")
    weights = pocket_bench.open_weights(pocket_bench.subject.decoder[[24]])[0]
    assert np.allclose(plot.weights, weights - weights.mean(), atol=1e-6)
    data = plot.data("histogram")
    assert (data.inside.size, data.outside.size) == (plot.mask.sum(), (~plot.mask).sum())
    assert plot.png("histogram") != plot.png("running_sum")
    assert plot.png("histogram").startswith(b"\x89PNG")


def test_long_sets_have_a_short_name_and_unknown_ones_none(pocket_bench: Workbench) -> None:
    words = json.dumps({"words": ["red", "blue", *(f"{number} words" for number in range(20))]})
    assert len(FeaturePlot.of(pocket_bench, 24, words).set_name) == 80
    with pytest.raises(UsageError, match="No token set"):
        FeaturePlot.of(pocket_bench, 24, "no.such")
