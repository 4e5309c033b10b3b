"""Input claims of features and of random directions, and what of them holds on held-out documents."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tsea.evals import input_claims
from tsea.labeler.reading import RunReading
from tsea.tools.inputs import null
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.inputs.strongest import Strongest
from tsea.tools.workbench import Workbench


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch, indexed_home: Path) -> None:
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
    monkeypatch.setattr(input_claims, "DRAWS", 512)
    monkeypatch.setattr(null, "PILOT", 256)
    monkeypatch.setattr(null, "DECOYS", 64)


@pytest.mark.usefixtures("few_draws")
def test_rates_count_the_labelers_claims_and_few_random_directions_have_one(
    pocket_bench: Workbench, pocket_reading: ReadingEnrichment
) -> None:
    features, random = input_claims.input_claim_rates(pocket_bench)
    live = np.flatnonzero(pocket_bench.subject.alive)
    run = RunReading.of(pocket_reading, live)
    claims = [run.claim(reader) for reader in range(len(live))]
    assert (features.readers, features.n, features.tested) == ("features", len(live), int(run.evidence.tested.sum()))
    assert features.claimed == sum(claim is not None for claim in claims) >= 20
    assert features.claimed <= features.selected <= features.tested
    assert features.holds is not None and features.holds >= 0.7
    assert (random.readers, random.n) == ("random directions", 64) and random.claimed <= 0.1 * random.tested
    report = input_claims.table([features, random])
    assert f"{features.claimed / features.tested:.1%}" in report and len(report.splitlines()) == 4


@pytest.mark.usefixtures("few_draws", "pocket_reading")
def test_a_column_holds_where_its_share_of_held_out_firings_is_large(pocket_bench: Workbench) -> None:
    held_out = input_claims._HeldOut(pocket_bench, np.arange(0, 4096, 64), np.zeros(64, np.int64))
    column = int(np.argmax(held_out.places.base))
    inside, outside = (np.flatnonzero(held_out.places.marked(column) == member) for member in (True, False))
    at = np.stack([np.resize(own, 512) for own in (inside, outside, inside)])
    planted = Strongest(at, np.array([3, 3, -1]))
    assert held_out.holds(planted, 0, column) == 1 and held_out.holds(planted, 1, column) == 0
    assert np.isnan(held_out.holds(planted, 2, column))
    held_out.places.base[column] = 0
    assert np.isnan(held_out.holds(planted, 0, column))
