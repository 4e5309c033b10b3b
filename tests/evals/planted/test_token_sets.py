from __future__ import annotations

import numpy as np
import pytest

from tsea.evals.planted.claims import jaccard
from tsea.evals.planted.token_sets import FOUND, KINDS, RIVAL, PlantedSet, SetKind, SetPool
from tsea.tools.token_sets.resolve import resolve
from tsea.tools.token_sets.split import token_split
from tsea.tools.workbench import Workbench


@pytest.fixture(scope="module")
def drawn(pocket_bench: Workbench) -> dict[SetKind, list[tuple[PlantedSet, ...]]]:
    pool, rng = SetPool(pocket_bench), np.random.default_rng(0)
    return {kind: [pool.draw(kind, rng) for _ in range(6)] for kind in KINDS}


def test_every_planted_set_can_be_confirmed_and_examined_and_is_as_it_is_written(
    pocket_bench: Workbench, drawn: dict[SetKind, list[tuple[PlantedSet, ...]]]
) -> None:
    subject, library = pocket_bench.subject, pocket_bench.library
    split = token_split(subject.vocabulary)
    for one in (one for sets in drawn.values() for pair in sets for one in pair):
        assert np.bincount(split[one.ids], minlength=3).min() >= 5
        written = resolve(one.spec, subject.vocabulary, library).ids
        assert np.array_equal(np.intersect1d(written, subject.universe), one.ids)
        by_hand = [jaccard(np.intersect1d(library[s.name].ids, subject.universe), one.ids) for s in pocket_bench.sets]
        assert one.nearest == pytest.approx(max(by_hand))
        assert one.overlap == pytest.approx(max((j for j in by_hand if j < FOUND), default=0))


def test_kinds_lie_in_the_library_near_it_or_outside(drawn: dict[SetKind, list[tuple[PlantedSet, ...]]]) -> None:
    nearest = {kind: [one.nearest for pair in sets for one in pair] for kind, sets in drawn.items()}
    assert {*nearest["library"], *nearest["rival"], *nearest["two"]} == {1.0}
    assert all(FOUND <= j < 1 for j in nearest["changed"])
    assert all(j < FOUND for j in nearest["half"] + nearest["other"])
    assert all(one.overlap < RIVAL for (one,) in drawn["library"])
    assert all(one.overlap >= RIVAL for (one,) in drawn["rival"])
    assert all(not np.intersect1d(one.ids, other.ids).size for one, other in drawn["two"])
