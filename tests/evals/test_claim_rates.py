from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tsea.evals import claim_rates
from tsea.evals.excess import share_with_hits
from tsea.evals.results import Report, markdown_table
from tsea.labeler.claims import Judged
from tsea.labeler.evidence import gather_evidence
from tsea.tools.directions import matched_directions
from tsea.tools.token_sets.split import token_split
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
    group = claim_rates.claim_group("matched", pocket_bench, directions, judged)
    assert len(group.claims) == 300
    assert 0 <= group.specific.mean() <= group.claimed.mean() < claim_rates.random_set_rule(pocket_bench, directions)


def test_shuffled_sets_keep_sizes_and_parts_and_change_members(pocket_bench: Workbench) -> None:
    shuffled = claim_rates.shuffled_library(pocket_bench)
    split = token_split(pocket_bench.subject.vocabulary)
    assert shuffled.names == pocket_bench.library.names
    for one, other in zip(pocket_bench.library, shuffled, strict=True):
        inside = np.intersect1d(one.ids, pocket_bench.subject.universe)
        assert np.array_equal(np.bincount(split[inside], minlength=3), np.bincount(split[other.ids], minlength=3))
    changed = [not np.array_equal(a.ids, b.ids) for a, b in zip(pocket_bench.library, shuffled, strict=True)]
    assert np.mean(changed) > 0.9


def test_a_claim_holds_on_test_tokens_when_they_are_raised_like_the_open_ones(pocket_bench: Workbench) -> None:
    live = pocket_bench.subject.decoder[pocket_bench.subject.alive][:400]
    judged = Judged.of(gather_evidence(pocket_bench, live), len(pocket_bench.sets))
    group = claim_rates.claim_group("features", pocket_bench, live, judged)
    held = claim_rates.held_on_test_tokens(group)
    # Turned round, what was raised is lowered.
    turned = claim_rates.held_on_test_tokens(dataclasses.replace(group, directions=-live))
    assert np.array_equal(np.isnan(held), np.isnan(turned)) and (~np.isnan(held)).sum() > 50
    assert np.nanmean(held) > 0.7 and np.nanmean(turned) < 0.3
    assert not (~np.isnan(held) & ~group.claimed).any()


def test_hits_of_random_directions_under_the_specific_null_are_as_rare_as_promised(pocket_bench: Workbench) -> None:
    hits = share_with_hits(pocket_bench, matched_directions(pocket_bench.subject, 2000), "specific")
    assert hits.shape == (2000,)
    assert hits.mean() <= 0.065


def test_results_are_written_as_json_and_a_markdown_table(tmp_path: Path) -> None:
    table = markdown_table(("a", "b"), [(1, "x")])
    assert table == "| a | b |\n| --- | --- |\n| 1 | x |\n"
    Report("made", {"rows": [{"a": 1}]}, table).write(tmp_path)
    assert (tmp_path / "made.md").read_text() == table
    assert (tmp_path / "made.json").read_text() == '{\n "rows": [\n  {\n   "a": 1\n  }\n ]\n}\n'
