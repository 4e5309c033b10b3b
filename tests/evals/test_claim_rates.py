from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tsea.evals import claim_rates
from tsea.evals.excess import share_with_hits
from tsea.evals.results import markdown_table, write_results
from tsea.labeler.claims import Judged
from tsea.labeler.evidence import gather_evidence
from tsea.labeler.overlap import OverlapTest
from tsea.tools.nulls import matched_directions
from tsea.tools.workbench import Workbench


def test_the_random_set_rule_finds_sets_in_almost_any_direction(pocket_bench: Workbench) -> None:
    directions = matched_directions(pocket_bench.subject, 100)
    assert claim_rates.random_set_rule(pocket_bench, directions) >= 0.9


def test_the_random_set_rule_is_bh_on_two_sided_ks_p_values(pocket_bench: Workbench) -> None:
    directions = matched_directions(pocket_bench.subject, 5)
    weights, view = pocket_bench.open_weights(directions), pocket_bench.views["open"]
    hits = []
    for row in weights:
        p = []
        for column in range(len(pocket_bench.sets)):
            members = view.members(column)
            p.append(stats.ks_2samp(np.delete(row, members), row[members], method="asymp").pvalue)
        hits.append((stats.false_discovery_control(p) <= 0.05).any())
    assert claim_rates.random_set_rule(pocket_bench, directions) == pytest.approx(np.mean(hits))


def test_rates_are_shares_of_the_directions_given(pocket_bench: Workbench) -> None:
    directions = matched_directions(pocket_bench.subject, 300)
    judged = Judged.of(gather_evidence(pocket_bench, directions), len(pocket_bench.sets))
    rate = claim_rates.claim_rate(pocket_bench, "matched", directions, judged, OverlapTest(pocket_bench))
    assert rate.n == 300 and rate.directions == "matched"
    assert 0 <= rate.specific <= rate.claimed < rate.random_set_rule


def test_hits_of_random_directions_under_the_specific_null_are_as_rare_as_promised(pocket_bench: Workbench) -> None:
    hits = share_with_hits(pocket_bench, matched_directions(pocket_bench.subject, 2000), "specific")
    assert hits.shape == (2000,)
    assert hits.mean() <= 0.065


def test_results_are_written_as_json_and_a_markdown_table(tmp_path: Path) -> None:
    table = markdown_table(("a", "b"), [(1, "x")])
    assert table == "| a | b |\n| --- | --- |\n| 1 | x |\n"
    write_results("made", [{"a": 1}], table, tmp_path)
    assert (tmp_path / "made.md").read_text() == table
    assert (tmp_path / "made.json").read_text() == '[\n {\n  "a": 1\n }\n]\n'
