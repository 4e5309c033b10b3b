"""Encoders that were fitted to a hypothesis, in an index of their own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tsea.evals.planted.claims import FeatureClaims
from tsea.evals.planted.figures import input_rows
from tsea.evals.planted.inputs import input_outcomes
from tsea.evals.planted.subject import plant
from tsea.evals.planted.truth import Planted
from tsea.tools.errors import UsageError
from tsea.tools.inputs import enrichment, null
from tsea.tools.inputs.spec import parse_input_spec
from tsea.tools.workbench import Workbench

FEATURES = 54


@pytest.fixture(scope="module")
def reading(pocket_bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> tuple[Planted, Path]:
    home = tmp_path_factory.mktemp("planted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(home))
        return plant(pocket_bench, "dictionary", FEATURES, inputs=True, tokens=24_000), home


@pytest.fixture
def planted(reading: tuple[Planted, Path], monkeypatch: pytest.MonkeyPatch) -> Planted:
    found, home = reading
    monkeypatch.setenv("TSEA_HOME", str(home))
    for module, name, few in ((enrichment, "DRAWS", 512), (null, "PILOT", 256), (null, "DECOYS", 16)):
        monkeypatch.setattr(module, name, few)
    return found


def test_features_fire_on_what_their_encoders_were_fitted_to_and_perfect_claims_are_found(planted: Planted) -> None:
    kinds = {one.kind for one in planted.inputs}
    assert kinds == {"token", "previous", "token in context", "null"} and len(planted.inputs) == FEATURES
    perfect = [FeatureClaims(n, (), planted.statement(n).fires) for n in planted.features.tolist()]
    outcomes = input_outcomes(planted, perfect)
    fitted = [one for one in outcomes if one.truth.spec is not None]
    assert all(one.found and one.first == 1 and one.wrong == 0 for one in fitted)
    assert all(one.claims == 0 and one.purity is None for one in outcomes if one.truth.spec is None)
    rows = {row.kind: row for row in input_rows(outcomes)}
    purity, power = rows["token"].purity, rows["token"].power
    assert purity is not None and purity >= 0.4 and power is not None and power >= 0.4
    assert rows["token"].recall_top1 == 1 and rows["null"].n == FEATURES // 3


def test_what_planted_tokens_are_not_is_wrong_and_so_is_every_claim_about_a_null(planted: Planted) -> None:
    fitted = next(n for n, one in enumerate(planted.inputs) if one.kind == "token")
    nothing = next(n for n, one in enumerate(planted.inputs) if one.kind == "null")
    spec = planted.inputs[fitted].spec
    assert spec is not None
    others = parse_input_spec({"not": spec.canonical()})
    one, other = input_outcomes(
        planted, [FeatureClaims(fitted, (), (others, spec)), FeatureClaims(nothing, (), (spec,))]
    )
    assert (one.claims, one.wrong, one.first, one.found) == (2, 1, 0, False)
    assert (other.claims, other.wrong, other.power) == (1, 1, None)


def test_the_planted_sae_fires_as_often_as_it_should(planted: Planted) -> None:
    part = planted.workbench.activity.part
    density = part.totals.firings / part.token_counts.sum()
    assert 0.0005 < np.median(density) < 0.02 and (density > 0).mean() > 0.95


def test_inputs_need_an_sae(pocket_bench: Workbench) -> None:
    bare = dataclasses.replace(pocket_bench.subject, _load_sae=None)
    neurons = Workbench(bare, pocket_bench.library, cache=pocket_bench.cache)
    with pytest.raises(UsageError, match="has no SAE"):
        plant(neurons, "dictionary", FEATURES, inputs=True)
