from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tsea.evals.comparison.density import BANDS, band
from tsea.evals.density import feature_density
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.workbench import Workbench


@pytest.mark.parametrize(
    ("share", "name"), [(0.0, "below 1e-5"), (1e-5, "1e-5 to 1e-4"), (9.9e-3, "1e-3 to 1e-2"), (1.0, "1e-2 and above")]
)
def test_each_share_is_in_one_band(share: float, name: str) -> None:
    assert band(share) == name and name in BANDS
    assert band(float("nan")) == ""


def test_density_is_that_of_the_index_and_stated_without_one(
    pocket_bench: Workbench, pocket_reading: ReadingEnrichment, indexed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = feature_density(pocket_bench.subject)
    assert stated is pocket_bench.subject.density
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
    part = pocket_bench.activity.part
    tokens = sum(len(part.row(int(row))[1]) for row in part.rows)
    found = feature_density(pocket_bench.subject)
    assert pocket_reading and stated is not None and found is not None
    for feature in (24, 700, 2222):
        assert found[feature] == pytest.approx(len(part.firings(feature).positions) / tokens, rel=0.02)
    live = (stated > 1e-3) & (found > 0)
    assert np.corrcoef(np.log(stated[live]), np.log(found[live]))[0, 1] > 0.9
