from __future__ import annotations

import numpy as np
import pytest
import torch

from tsea.tools.collapse import EXPLAINED_ABOVE, Redundancy
from tsea.tools.statistics.enrichment import SetIndex
from tsea.tools.statistics.mass import side_weights
from tsea.tools.statistics.projection import standardise
from tsea.tools.subject import Subject, open_subject
from tsea.tools.views import View

# The driver, one that shares half of its members, a part of the driver, a set apart, and the driver again.
DRIVER, RIDER, PART, APART, AGAIN = range(5)
POSITIONS = [range(0, 300), range(150, 450), range(0, 60), range(1000, 1200), range(0, 300)]


@pytest.fixture(scope="module")
def pocket() -> Subject:
    return open_subject("pocket")


@pytest.fixture(scope="module")
def view(pocket: Subject) -> View:
    tokens = np.random.default_rng(3).permutation(len(pocket.universe))[:2000]
    positions = [np.arange(one.start, one.stop) for one in POSITIONS]
    return View(tokens, SetIndex.from_positions(positions, len(tokens)))


@pytest.fixture(scope="module")
def redundancy(pocket: Subject, view: View) -> Redundancy:
    return Redundancy(pocket, view, torch.from_numpy(pocket.whitened))


def _correlations(redundancy: Redundancy, *raised: slice) -> np.ndarray:
    """Correlations of a made-up promoted side: noise, with some tokens raised."""
    x = np.random.default_rng(0).normal(size=2000).astype(np.float32)
    for tokens in raised:
        x[tokens] += 1.5
    return redundancy.correlations(side_weights(standardise(torch.from_numpy(x)[None]))[:, 0])[0]


def test_sets_enriched_only_through_the_driver_fold_under_it(redundancy: Redundancy) -> None:
    correlations = _correlations(redundancy, slice(0, 300))
    folds = redundancy.collapse(correlations, [DRIVER, RIDER, PART])
    assert [(fold.column, fold.explains) for fold in folds] == [(DRIVER, (RIDER, PART))]


def test_the_driver_is_kept_when_a_set_that_rides_on_it_comes_first(redundancy: Redundancy) -> None:
    correlations = _correlations(redundancy, slice(0, 300))
    assert [fold.column for fold in redundancy.collapse(correlations, [RIDER, DRIVER])] == [RIDER, DRIVER]


def test_a_set_with_enrichment_of_its_own_is_kept_though_it_overlaps(redundancy: Redundancy) -> None:
    correlations = _correlations(redundancy, slice(0, 450))
    assert [fold.explains for fold in redundancy.collapse(correlations, [DRIVER, RIDER])] == [(), ()]


def test_a_set_that_shares_nothing_is_never_explained(redundancy: Redundancy) -> None:
    assert not redundancy.explained(_correlations(redundancy, slice(0, 300)), APART, [DRIVER])[0]


def test_the_same_tokens_under_another_name_are_explained(redundancy: Redundancy) -> None:
    correlations = _correlations(redundancy, slice(0, 300))
    assert np.isnan(redundancy.p_given(correlations, AGAIN, [DRIVER])).all()
    assert redundancy.explained(correlations, AGAIN, [DRIVER]).all()


def test_a_set_whose_sign_turns_is_not_enriched_beyond_the_other(redundancy: Redundancy) -> None:
    # The shared half is raised by less than the rest of the driver: beside the driver, the rider lowers it.
    correlations = _correlations(redundancy, slice(0, 300), slice(0, 150))
    assert correlations[RIDER] > 0
    assert redundancy.p_given(correlations, RIDER, [DRIVER]).tolist() == [1.0]


def test_p_given_another_set_is_uniform_over_isotropic_directions(
    redundancy: Redundancy, pocket: Subject, view: View
) -> None:
    directions = np.random.default_rng(5).normal(size=(2000, pocket.d_model)).astype(np.float32)
    weights = torch.from_numpy(directions @ pocket.whitened[:, view.tokens])
    correlations = redundancy.correlations(side_weights(standardise(weights))[:, 0])
    p = np.array([redundancy.p_given(row, RIDER, [DRIVER])[0] for row in correlations])
    assert 0.035 < (p <= EXPLAINED_ABOVE).mean() < 0.065


def test_no_hits_fold_to_nothing(redundancy: Redundancy) -> None:
    assert redundancy.collapse(_correlations(redundancy), []) == []
