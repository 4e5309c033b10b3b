from __future__ import annotations

import numpy as np
import torch

from tsea.labeler.overlap import OverlapTest
from tsea.tools.statistics.mass import side_weights
from tsea.tools.statistics.projection import standardise
from tsea.tools.workbench import Workbench


def _overlapping_pair(bench: Workbench) -> tuple[int, int]:
    """Columns of two sets that share members, with at least 20 of their own each."""
    view = bench.views["open"]
    for a in range(len(bench.sets)):
        for b in range(len(bench.sets)):
            one, other = set(view.members(a).tolist()), set(view.members(b).tolist())
            if a != b and len(one & other) >= 20 and len(one - other) >= 20 and len(other - one) >= 20:
                return a, b
    raise AssertionError("no two sets overlap in part")


def _driven_by(bench: Workbench, column: int) -> torch.Tensor:
    """Promoted side weights of a made-up feature that promotes exactly the members of one set."""
    view = bench.views["open"]
    x = np.random.default_rng(0).normal(size=len(view.tokens)).astype(np.float32)
    x[view.members(column)] += 3
    return side_weights(standardise(torch.from_numpy(x)[None]))[0, 0]


def test_a_set_enriched_only_through_shared_members_is_explained_and_the_driver_is_not(pocket_bench: Workbench) -> None:
    driver, rider = _overlapping_pair(pocket_bench)
    overlap = OverlapTest(pocket_bench)
    weights = _driven_by(pocket_bench, driver)
    assert overlap.explained(weights, column=rider, better=driver)
    assert not overlap.explained(weights, column=driver, better=rider)


def test_a_set_inside_a_better_one_is_explained_and_a_disjoint_one_never(pocket_bench: Workbench) -> None:
    overlap, view = OverlapTest(pocket_bench), pocket_bench.views["open"]
    members = [set(view.members(c).tolist()) for c in range(len(pocket_bench.sets))]
    inner, outer = next((a, b) for a in range(len(members)) for b in range(len(members)) if members[a] < members[b])
    assert np.isnan(overlap.p_without(_driven_by(pocket_bench, inner), inner, outer))
    assert overlap.explained(_driven_by(pocket_bench, inner), inner, outer)
    apart = next(c for c in range(len(members)) if not members[c] & members[inner])
    assert not overlap.explained(_driven_by(pocket_bench, inner), apart, inner)
