from __future__ import annotations

import numpy as np
import pytest
import torch

from tsea.tools.beyond import References
from tsea.tools.directions import SEED, direction_model
from tsea.tools.rank_index import REFERENCES
from tsea.tools.statistics.directions import NullName
from tsea.tools.statistics.mass import side_weights
from tsea.tools.statistics.overlap import overlap_correlations, partial_correlation, set_correlations
from tsea.tools.workbench import Workbench
from tsea.tools.written_sets import WrittenSet

FEATURES = np.arange(0, 600, 10)


@pytest.fixture(params=["present", "specific"])
def null(request: pytest.FixtureRequest) -> NullName:
    return request.param


def _membership(bench: Workbench, *specs: str) -> torch.Tensor:
    matrix = torch.zeros(len(bench.open_ids), len(specs))
    for column, spec in enumerate(specs):
        matrix[torch.from_numpy(WrittenSet(bench, spec).members), column] = 1
    return matrix


def test_reference_correlations_are_those_of_the_directions_that_the_index_ranks_by(
    pocket_bench: Workbench, null: NullName
) -> None:
    directions = direction_model(pocket_bench.subject, null).sample(REFERENCES, [SEED["index"], SEED[null]])
    weights = side_weights(pocket_bench.mass_weights(directions.numpy()))
    references = pocket_bench.references(null)
    for spec in ("suffix.ing", '{"words": ["red", "green", "blue"], "variants": "all"}'):
        members = WrittenSet(pocket_bench, spec).members
        exact = set_correlations(weights.flatten(0, 1), _membership(pocket_bench, spec)).reshape(REFERENCES, 2)
        found = references.correlations(references.means(members), len(members))
        np.testing.assert_allclose(found, exact, atol=2e-4)
        assert np.std(exact) > 0.01


def test_what_sets_add_has_the_p_of_freshly_drawn_directions(pocket_bench: Workbench, null: NullName) -> None:
    one, other = (WrittenSet(pocket_bench, spec) for spec in ("suffix.ing", "pos.VBG"))
    membership = _membership(pocket_bench, "suffix.ing", "pos.VBG")
    overlap = np.asarray(overlap_correlations(membership[:, :1], membership[:, 1:])[0, 0])
    directions = direction_model(pocket_bench.subject, null).sample(4096, [17]).numpy()

    def correlations(rows: np.ndarray) -> np.ndarray:
        weights = side_weights(pocket_bench.mass_weights(rows))
        return set_correlations(weights.flatten(0, 1), membership).reshape(len(rows), 2, 2)

    drawn, observed = correlations(directions), correlations(pocket_bench.subject.decoder[FEATURES])
    for place, tested in enumerate(one.beyond(other, null, FEATURES)):
        values = partial_correlation(observed[:, :, place], observed[:, :, 1 - place], overlap)
        np.testing.assert_allclose(tested.values, values.b_given_a, atol=1e-9)
        reference = partial_correlation(drawn[:, :, place], drawn[:, :, 1 - place], overlap).b_given_a
        columns = [reference.ravel()] * 2 if null == "present" else list(reference.T)
        for side, column in enumerate(columns):
            p = np.mean(column[None] >= tested.values[:, side, None], axis=1)
            agrees = values.agrees[:, side]
            np.testing.assert_allclose(tested.p.p[agrees, side], p[agrees], atol=0.04)
            assert (tested.p.p[~agrees, side] == 1).all() and (tested.p.log10_error[~agrees, side] == 0).all()


def test_p_counts_the_reference_values_that_reach_as_far(pocket_bench: Workbench) -> None:
    drawn = np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]])
    index = pocket_bench.rank_index("open", "whitened")
    values = np.array([[2.0, 6.5], [9.0, np.nan]])
    specific = References(index, "specific").p_values(values, drawn)
    np.testing.assert_allclose(specific.p, [[3 / 4, 2 / 4], [1 / 4, np.nan]])
    present = References(index, "present").p_values(values, drawn)
    np.testing.assert_allclose(present.p, [[6 / 7, 2 / 7], [1 / 7, np.nan]])
    assert np.isnan(present.log10_error[1, 0])
