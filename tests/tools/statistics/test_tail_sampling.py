from __future__ import annotations

import numpy as np
import pytest
import torch

from tsea.tools.statistics.directions import DirectionModel
from tsea.tools.statistics.mass import mass, side_weights
from tsea.tools.statistics.projection import standardise
from tsea.tools.statistics.tail_sampling import LEVELS, MassTails

WIDTH, TOKENS = 24, 600
COUNTED = 10.0 ** np.array([-2, -2.5, -3, -3.5])
MEMBERS = [np.arange(12), np.arange(100, 140)]


@pytest.fixture(scope="module")
def columns() -> torch.Tensor:
    """Tokens in clusters of 20, so that the members of a set go together."""
    rng = np.random.default_rng(0)
    clusters = np.repeat(rng.standard_t(5, size=(WIDTH, TOKENS // 20)), 20, axis=1)
    return torch.from_numpy((clusters + rng.normal(size=(WIDTH, TOKENS))).astype(np.float32))


def _model(null: str) -> DirectionModel:
    if null == "present":
        return DirectionModel.isotropic(WIDTH)
    rng = np.random.default_rng(1)
    return DirectionModel.of_rows(rng.normal(size=(2000, WIDTH)) * np.linspace(0.3, 2, WIDTH) + 0.3)


@pytest.mark.parametrize("null", ["present", "specific"])
def test_levels_are_those_counted_in_many_more_directions(columns: torch.Tensor, null: str) -> None:
    model, centred = _model(null), columns - columns.mean(dim=1, keepdim=True)
    membership = torch.zeros(TOKENS, len(MEMBERS))
    for column, members in enumerate(MEMBERS):
        membership[members, column] = 1
    drawn = [
        mass(side_weights(standardise(model.sample(20_000, [9, batch]) @ centred)), membership).numpy()
        for batch in range(10)
    ]
    counted = np.concatenate(drawn)
    tails = MassTails(columns, model, [0])
    for column, members in enumerate(MEMBERS):
        for side in (0, 1):
            levels = tails.levels(members, side)[[int(np.abs(LEVELS - p).argmin()) for p in COUNTED]]
            known = ~np.isnan(levels)
            assert known.sum() >= 2
            reached = (counted[:, side, column, None] >= levels[known]).mean(axis=0)
            assert np.abs(np.log10(reached / COUNTED[known])).max() < 0.3


def test_levels_rise_with_rarity_and_end_where_they_are_not_known(columns: torch.Tensor) -> None:
    levels = MassTails(columns, _model("present"), [0]).levels(MEMBERS[1], 0)
    known = levels[~np.isnan(levels)]
    assert len(known) >= 12 and (np.diff(known) >= 0).all()
    assert np.isnan(levels[len(known) :]).all()


def test_a_set_of_more_than_a_tenth_of_the_universe_has_no_levels(columns: torch.Tensor) -> None:
    tails = MassTails(columns, _model("present"), [0])
    assert np.isnan(tails.levels(np.arange(61), 0)).all()
    assert not np.isnan(tails.levels(np.arange(60), 0)).all()


def test_what_was_prepared_before_gives_the_same_levels(columns: torch.Tensor) -> None:
    first = MassTails(columns, _model("specific"), [0])
    again = MassTails(columns, _model("specific"), [0], first.prepared)
    np.testing.assert_array_equal(first.levels(MEMBERS[0], 1), again.levels(MEMBERS[0], 1))
