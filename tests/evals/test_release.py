"""The release benchmark on few sets and a small index: what it must show there, and what the report says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tsea.evals import ablations, release
from tsea.evals.results import Report
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.workbench import Workbench

pytestmark = pytest.mark.large
FEATURES = 96


@pytest.fixture(scope="module")
def report(pocket_bench: Workbench, pocket_reading: ReadingEnrichment, indexed_home: Path) -> Iterator[Report]:
    """The whole report, the trained subject standing in for the untrained one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(indexed_home))
        patch.setattr(Workbench, "open", lambda *_args, **_settings: pocket_bench)
        patch.setattr(release, "BACKGROUNDS", ("isotropic",))
        patch.setattr(ablations, "REFERENCES", 4 * ablations.BATCH)
        yield release.report(FEATURES, 108)


def row_of(report: Report, rows: str, **key: Any) -> dict[str, Any]:
    (found,) = (row for row in report.figures[rows] if key.items() <= row.items())
    return found


def test_on_sealed_tokens_the_statistical_labeler_beats_the_baseline_where_both_claim(report: Report) -> None:
    own = row_of(report, "rows", labeler="statistical", scorer="output")
    assert own["n_both"] >= 30 and own["both_low"] > 0 and own["score"] >= 0.51
    assert own["coverage"] >= 0.3 > 2 * row_of(report, "rows", labeler="es-p0", scorer="output")["coverage"]
    claimed = row_of(report, "controls", labeler="statistical", on="pocket", scorer="output")
    assert claimed["score"] >= 0.53 and claimed["low"] > 0


def test_on_held_out_documents_too(report: Report) -> None:
    own = row_of(report, "rows", labeler="statistical", scorer="input")
    assert own["both_low"] > 0 > own["all_high"], "the baseline always claims"
    assert row_of(report, "controls", labeler="statistical", on="pocket", scorer="input")["score"] >= 0.6


def test_random_directions_are_claimed_less_often(report: Report) -> None:
    drawn = row_of(report, "controls", on=release.RANDOM)
    assert drawn["n"] < 0.5 * row_of(report, "controls", labeler="statistical", on="pocket", scorer="output")["n"]


def test_on_planted_truth_the_promises_hold_and_those_of_the_random_set_null_break(report: Report) -> None:
    own, broken = (row_of(report, "planted", labeler=name) for name in ("statistical", "random-set"))
    assert own["recall"] >= 0.9 and own["wrong_claims"] <= 0.07 and own["nulls_claimed"] <= 0.07 and own["ece"] <= 0.1
    assert broken["wrong_claims"] > 0.25 and broken["nulls_claimed"] > 0.5 and broken["recall"] < own["recall"]
    more = row_of(report, "planted", labeler="no-overlap")
    assert more["claims"] > own["claims"] and more["wrong_claims"] >= own["wrong_claims"]


def test_the_report_says_where_the_baseline_is_not_beaten_and_what_meaningless_labels_earn(report: Report) -> None:
    told = "\n".join(report.figures["notes"])
    assert "input: the statistical labeler beats the baseline where both claim, not over all features." in told
    assert "claims about pocket-random earn a lift too" in told
    assert all(note in report.table for note in report.figures["notes"])
