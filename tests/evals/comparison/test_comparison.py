"""Runs compared: what is paired, what is counted, what is left out and said so."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from compared import OUTPUT, label, scored_run, scores

from tsea.evals.comparison.comparison import compare
from tsea.evals.comparison.differences import Outcomes
from tsea.evals.comparison.paired import Measure, ScoredRun, Unpaired
from tsea.tools.statistics.fdr import holm


def test_scores_are_paired_by_feature_and_what_has_no_partner_is_counted() -> None:
    first = scored_run("a", {0: 0.5, 1: 0.6, 2: 0.7, 3: 0.9, 4: None, 5: 0.8, 9: None})
    second = scored_run("b", {1: 0.7, 2: 0.7, 3: 0.6, 4: 0.5, 5: None, 7: 0.1, 8: 0.2, 9: None})
    (row,) = compare([first, second]).rows
    assert row.overall.n == 3 and row.overall.difference == pytest.approx(-0.2 / 3)
    assert row.outcomes == Outcomes(win=1, tie=1, loss=1)
    assert (row.baseline_mean, row.run_mean) == (pytest.approx(2.2 / 3), pytest.approx(2.0 / 3))
    assert row.unpaired == Unpaired(
        baseline_only=1, run_only=2, scored_in_baseline_only=1, scored_in_run_only=1, scored_in_neither=1
    )


def test_equal_scores_with_other_rounding_are_ties() -> None:
    (row,) = compare([scored_run("a", [0.3, 0.5]), scored_run("b", [0.1 + 0.2, 0.5])]).rows
    assert row.outcomes == Outcomes(0, 2, 0)


def test_labels_that_abstain_score_chance_and_are_shown() -> None:
    first = scored_run("a", [0.9, 0.8, 0.5, 0.5], abstaining=[2, 3])
    second = scored_run("b", [0.7, 0.5, 0.9, 0.5], abstaining=[1, 3])
    (row,) = compare([first, second]).rows
    assert (row.baseline_coverage, row.run_coverage) == (0.5, 0.5)
    assert row.overall.difference == pytest.approx((-0.2 - 0.3 + 0.4) / 4)
    assert (row.both_claim.n, row.both_claim.difference, row.both_claim.low) == (1, pytest.approx(-0.2), None)


def test_one_pair_has_no_interval_and_none_has_nothing() -> None:
    (one,) = compare([scored_run("a", [0.5]), scored_run("b", [0.9])]).rows
    assert (one.overall.n, one.overall.low, one.overall.high, one.overall.p) == (1, None, None, 1.0)
    (none,) = compare([scored_run("a", {0: 0.5}), scored_run("b", {1: 0.9})]).rows
    assert dataclasses.astuple(none.overall) == (None, None, None, None, 0)
    assert none.p_holm is None and none.run_coverage is None


def both(name: str, output: list[float], detection: list[float]) -> ScoredRun:
    first, second = scored_run(name, output), scored_run(name, detection, scorer="detection")
    return dataclasses.replace(first, scores={**first.scores, **second.scores})


def test_several_runs_are_rows_against_the_first_and_p_is_adjusted_over_all_of_them() -> None:
    rng = np.random.default_rng(1)
    base = rng.uniform(0.5, 0.9, 30)
    runs = [
        both(name, (base + shift + rng.normal(0, 0.1, 30)).tolist(), (base + rng.normal(0, 0.1, 30)).tolist())
        for name, shift in (("base", 0.0), ("better", 0.2), ("same", 0.0))
    ]
    found = compare(runs)
    assert [(row.measure.scorer, row.run) for row in found.rows] == [
        *(("output", "better"), ("output", "same"), ("detection", "better"), ("detection", "same")),
    ]
    raw = np.array([row.overall.p for row in found.rows], np.float64)
    assert [row.p_holm for row in found.rows] == pytest.approx(holm(raw).tolist())
    assert found.rows[0].p_holm == pytest.approx(4 * raw[0]) and raw[0] < 0.001
    assert [(curve.scorer, curve.run) for curve in found.curves] == [
        (scorer, run.name) for scorer in ("output", "detection") for run in runs
    ]


def test_scorers_that_a_run_lacks_are_named_and_the_others_compared() -> None:
    first = both("a", [0.5, 0.6], [0.5, 0.6])
    found = compare([first, scored_run("b", [0.6, 0.7])])
    assert [row.measure.scorer for row in found.rows] == ["output"]
    assert found.notes == ["Scores by detection are those of a alone: b has none."]


def test_differences_are_shown_by_class_and_by_density() -> None:
    first = scored_run(
        "a", [0.5, 0.5, 0.5, 0.5], labels=[label(1, kind="partition"), label(2, kind=""), label(3, kind="")]
    )
    second = scored_run("b", [0.6, 0.7, 0.8, 0.9], labels=[label(2, kind="partition"), label(3, kind="")])
    (row,) = compare([first, second], {0: 5e-6, 1: 1e-3, 2: 2e-3, 3: float("nan")}).rows
    assert [(g.group, g.n, pytest.approx(g.difference)) for g in row.by_class] == [
        ("partition", 2, 0.25),
        ("prediction", 1, 0.1),
    ]
    assert [(g.group, g.n, g.low is None) for g in row.by_density] == [
        ("below 1e-5", 1, True),
        ("1e-3 to 1e-2", 2, False),
    ]


def test_the_features_that_differ_most_come_with_what_both_labels_say() -> None:
    claim = {"direction": "promotes", "spec": {"suffix": "ing"}, "claim": "specific", "q": 0.00123}
    first = scored_run("a", [0.5] * 8, labels=[label(6, "gerunds", hypotheses=[claim], confidence=0.9)])
    second = scored_run("b", [0.5, 0.6, 0.4, 0.8, 0.1, 0.5, 1.0, 0.55], abstaining=[6], labels=[label(6, "a\u202eb")])
    (row,) = compare([first, second]).rows
    assert [one.feature for one in row.disagreements] == [6, 4, 3, 1, 2]
    top = row.disagreements[0]
    assert (top.difference, top.baseline.text, top.baseline.n) == (0.5, "gerunds", 40)
    assert top.baseline.hypotheses == ['promotes {"suffix": "ing"} (specific, q 0.0012)']
    assert top.run.abstains and top.run.text == r"a\u202eb"
    (same,) = compare([first, scored_run("c", [0.5] * 8)]).rows
    assert same.disagreements == []


def test_scores_without_a_value_are_never_taken_for_one() -> None:
    run = scored_run("a", [0.5, 0.6])
    failed = dataclasses.replace(run, name="b", scores={OUTPUT: {0: scores(None), 1: scores(None)}})
    (row,) = compare([run, failed]).rows
    assert row.overall.n == 0 and row.unpaired.scored_in_baseline_only == 2
    assert compare([run, failed]).curves == []


def test_scores_by_different_judges_are_not_compared() -> None:
    first, second = scored_run("a", [0.5, 0.6]), scored_run("b", [0.7, 0.8])
    judged = {Measure("detection", name): one.scores[OUTPUT] for name, one in (("m", first), ("n", second))}
    found = compare(
        [
            dataclasses.replace(first, scores={**first.scores, **{m: v for m, v in judged.items() if m.judge == "m"}}),
            dataclasses.replace(
                second, scores={**second.scores, **{m: v for m, v in judged.items() if m.judge == "n"}}
            ),
        ]
    )
    assert [row.measure for row in found.rows] == [OUTPUT]
    assert found.notes == [
        "Scores by detection, judge m are those of a alone: b has none.",
        "Scores by detection, judge n are those of b alone: a has none.",
    ]
