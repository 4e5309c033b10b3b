from __future__ import annotations

import numpy as np
import pytest

from tsea.evals.planted.oracle import holding, passing, raised
from tsea.evals.planted.truth import Planted
from tsea.tools.token_sets.split import TEST, token_split


def test_what_was_planted_raises_its_own_set_and_others_by_chance_alone(planted: Planted) -> None:
    bench = planted.workbench
    one = next(one for one in planted.outputs if one.kind == "rival")
    rng = np.random.default_rng(0)
    universe = bench.subject.universe
    random = [np.sort(rng.choice(universe, 50, replace=False)) for _ in range(400)]
    found = raised(bench, one.part, [one.sets[0].ids, np.setdiff1d(universe, one.sets[0].ids), *random])
    assert found[0].tolist() == [True, False] and found[1].tolist() == [False, True]
    assert 0.02 <= found[2:].mean() <= 0.15
    assert not raised(bench, np.zeros_like(one.part), random[:3]).any()


def test_a_set_known_in_advance_passes_where_it_was_planted_strongly_and_never_in_nulls(planted: Planted) -> None:
    strong = [n for n, one in enumerate(planted.outputs) if one.strength == 24 and one.kind in ("rival", "half")]
    nulls = planted.features[-len(strong) :]
    features = np.concatenate([strong, nulls])
    sets = [planted.outputs[n].sets[0].ids for n in strong]
    found = passing(planted.workbench, features, np.arange(len(features)), [*sets, *sets])
    assert found[: len(strong)].mean() >= 0.8 and not found[len(strong) :].any()


def test_holding_on_test_tokens_is_unknown_where_too_few_are_members(planted: Planted) -> None:
    bench = planted.workbench
    n, one = next((n, one) for n, one in enumerate(planted.outputs) if one.strength == 24 and one.kind == "rival")
    row = bench.subject.decoder[[n, n, n]]
    split = token_split(bench.subject.vocabulary)
    few = np.concatenate([one.sets[0].ids[split[one.sets[0].ids] != TEST], one.sets[0].ids[:0]])
    held = holding(bench, row, [one.sets[0].ids, one.sets[0].ids, few], np.array([0, 1, 0]))
    assert held[:2].tolist() == [1, 0] and np.isnan(held[2])


def test_the_perfect_label_is_what_was_planted(planted: Planted) -> None:
    for feature in (0, 2, 161):
        said = planted.statement(feature)
        assert said.promotes == tuple(one.spec for one in planted.outputs[feature].sets) and not said.fires
    assert planted.statement(161).promotes == ()
    assert pytest.approx(0) == np.abs(planted.outputs[161].part).max()
