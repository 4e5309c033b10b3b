"""Scoring runs: once each, resumed, failures apart; and what the scores come to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from outcomes import failure, label

from tsea.evals import scoring
from tsea.evals.bootstrap import interval
from tsea.evals.control_directions import score_directions
from tsea.evals.exam.exam import Exam
from tsea.evals.score_summary import ScoreRow, report, score_rows
from tsea.evals.scorers.output import OutputScorer
from tsea.evals.scorers.scorer import Scorer
from tsea.evals.scores import FeatureScores, Score, Statement
from tsea.evals.scoring import Scored, labels_to_score, score_labels, score_run
from tsea.tools.errors import TseaError, UsageError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label, Run
from tsea.tools.token_sets.spec import parse_spec


class Words(Scorer[tuple[str]]):
    """A label is worth the share of its letters that are its feature's; some features cannot be examined."""

    name: ClassVar[str] = "words"
    side = "output"
    chance = 0.5

    def __init__(self) -> None:
        self.asked: list[tuple[int, str]] = []
        self.broken = False

    def items(self, feature: int) -> tuple[str] | str:
        return ("abcdefghij"[feature],)

    def score(self, feature: int, items: tuple[str], statement: Statement) -> Score:
        self.asked.append((feature, statement.text))
        if self.broken:
            raise TseaError("The judge is away.")
        share = statement.text.count(items[0]) / max(1, len(statement.text))
        return Score(0.5 + share / 2 if self.says_anything(statement) else 0.5, 10, details={"share": share})

    def says_anything(self, statement: Statement) -> bool:
        return bool(statement.text)


class Picky(Words):
    """Features from 3 on cannot be examined."""

    def items(self, feature: int) -> tuple[str] | str:
        return super().items(feature) if feature < 3 else f"fewer than 20 firings: {feature}"


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as opened:
        yield opened


def stored(records: Records, exam: Exam, *labels: Label) -> Run:
    run = records.open_run("first", "pocket", exam.workbench.subject.hash, {"labeler": "made up"})
    for one in labels:
        records.submit(run, one)
    return run


def values(scored: Scored) -> dict[int, float | None]:
    return {one.feature: one.label.value for one in scored.features}


def test_every_label_and_its_controls_are_scored_once_and_read_from_then_on(records: Records, exam: Exam) -> None:
    run, scorer = stored(records, exam, label(0, text="aa"), label(1, text="bx"), label(2, "no_claim", "")), Words()
    (first,) = score_run(exam, records, run, [scorer])
    assert values(first) == {0: 1.0, 1: 0.75, 2: 0.5}
    assert [one.abstained for one in first.features] == [False, False, True]
    controls = {one.feature: {name: score.value for name, score in one.controls.items()} for one in first.features}
    plain = {"empty": 0.5, "shuffled": 0.5, "everything": controls[0]["everything"], "similar density": 0.5}
    assert controls[0] == plain and controls[2] == {}
    asked = len(scorer.asked)
    assert asked == 2 * 5 + 1
    (again,) = score_run(exam, records, run, [scorer])
    assert (len(scorer.asked), values(again)) == (asked, values(first))
    assert again.features[0].label.details == {"share": 1.0}


def test_an_interrupted_scoring_resumes(records: Records, exam: Exam, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "_BLOCK", 2)
    run, scorer = stored(records, exam, *(label(n, text="abc") for n in range(6))), Words()

    def stop(_what: str, done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_run(exam, records, run, [scorer], stop)
    assert {feature for feature, _ in scorer.asked} == {0, 1, 2, 3}
    scorer.asked.clear()
    (done,) = score_run(exam, records, run, [scorer])
    assert {feature for feature, _ in scorer.asked} == {4, 5} and len(done.features) == 6


def test_what_cannot_be_examined_failed_or_broke_is_unscored_and_tried_again(records: Records, exam: Exam) -> None:
    bad = label(1, text="b", hypotheses=[{"side": "output", "direction": "promotes", "spec": {"nonsense": 1}}])
    run = stored(records, exam, label(0, text="a"), bad, failure(2, "timeout"), label(3, text="d"))
    scorer = Picky()
    scorer.broken = True
    (broken,) = score_run(exam, records, run, [scorer])
    reasons = {one.feature: one.label.unscored or "" for one in broken.features}
    assert values(broken) == dict.fromkeys(range(4)) and "The judge is away" in reasons[0]
    assert reasons[1].startswith("label cannot be read: Malformed token set")
    assert reasons[2] == "label failed: timeout" and reasons[3] == "fewer than 20 firings: 3"
    row = score_rows([broken])[1]
    assert (row.value, row.low, row.n, row.unscored, row.controls) == (None, None, 0, 4, {})
    assert {one.reason for one in row.reasons} >= {"fewer than 20 firings", "label failed: timeout"}
    scorer.broken = False
    assert values(score_run(exam, records, run, [scorer])[0]) == {0: 1.0, 1: None, 2: None, 3: None}
    kept = {(one.feature, one.control): one.value for one in records.scores(run, exam.identity)}
    assert kept[0, ""] == 1.0 and kept[3, ""] is None


def test_a_score_that_has_a_value_is_never_written_again(records: Records, exam: Exam) -> None:
    run, scorer = stored(records, exam, label(0, text="a")), Words()
    score_run(exam, records, run, [scorer])
    before = records.scores(run, exam.identity)
    records.write_scores(run, [_changed(one) for one in before])
    assert records.scores(run, exam.identity) == before


def _changed(row: Any) -> Any:
    names = ("label_id", "feature", "scorer", "exam", "control", "judge")
    return type(row)(**{name: getattr(row, name) for name in names}, value=0.123)


def test_of_several_labels_of_a_feature_the_last_that_did_not_fail_counts(records: Records, exam: Exam) -> None:
    run = stored(records, exam, label(0, text="x"), label(0, text="a"), failure(0, "budget"), failure(1, "budget"))
    chosen = labels_to_score(records.labels(run))
    assert {feature: (one.status, one.text) for feature, one in chosen.items()} == {
        0: ("labelled", "a"),
        1: ("failed", ""),
    }
    only = score_labels(exam, records, run, chosen, [Words()], only=[0])
    assert values(only[0]) == {0: 1.0}


def test_a_run_of_another_subject_is_refused(records: Records, exam: Exam) -> None:
    run = records.open_run("other", "pocket-random", "another hash", {})
    with pytest.raises(UsageError, match="Run other labels pocket-random, and pocket is not the same"):
        score_run(exam, records, run, [Words()])


def test_deleting_a_run_deletes_its_scores(records: Records, exam: Exam) -> None:
    run = stored(records, exam, label(0, text="a"))
    score_run(exam, records, run, [Words()])
    assert records.sizes(run)["scores"] == 3
    records.delete(run)
    assert records.scores(run, exam.identity) == [] and records.runs() == []


MADE_UP = Scored(
    "made up",
    "output",
    0.5,
    [
        FeatureScores(0, Score(0.9), {"shuffled": Score(0.4), "empty": Score(0.5)}, False),
        FeatureScores(1, Score(0.7), {"shuffled": Score(0.6), "empty": Score(0.5)}, False),
        FeatureScores(2, Score(0.5), {}, True),
        FeatureScores(3, Score(None, unscored="fewer than 20 firings: 7"), {}, False),
        FeatureScores(4, Score(None, unscored="fewer than 20 firings: 8"), {}, True),
    ],
)


def test_rows_are_over_claimed_features_and_over_all_with_chance_for_abstaining() -> None:
    claimed, every = score_rows([MADE_UP])
    assert (claimed.over, claimed.n, claimed.unscored, claimed.coverage) == ("claimed", 2, 1, 2 / 3)
    assert (every.over, every.n, every.unscored, every.coverage) == ("all", 3, 2, 2 / 3)
    assert claimed.value == pytest.approx(0.8) and every.value == pytest.approx(0.7)
    assert [(one.reason, one.features) for one in every.reasons] == [("fewer than 20 firings", 2)]
    assert claimed.controls["shuffled"].value == pytest.approx(0.5)
    assert claimed.controls["shuffled"].lift == pytest.approx((0.5 + 0.1) / 2)
    assert every.controls["shuffled"].lift == pytest.approx((0.5 + 0.1 + 0) / 3)
    lifts = interval(np.array([0.9 - 0.4, 0.7 - 0.6, 0.0]))
    assert (every.controls["shuffled"].lift_low, every.controls["shuffled"].lift_high) == lifts


def test_one_feature_has_no_interval() -> None:
    one = Scored("made up", "output", 0.5, MADE_UP.features[:1])
    claimed: ScoreRow = score_rows([one])[0]
    assert claimed.value == 0.9 and claimed.low is None and claimed.controls["empty"].lift_high is None


def test_the_report_holds_the_contract_and_counts_what_is_unscored() -> None:
    found = report("first", "pocket", "hash", score_rows([MADE_UP]))
    figures = json.loads(json.dumps(found.figures))
    assert list(figures) == ["run", "subject", "exam", "rows"]
    contract = {"scorer", "side", "value", "low", "high", "chance", "controls", "n", "unscored"}
    assert all(contract <= set(row) for row in figures["rows"])
    lift = {"value", "low", "high", "lift", "lift_low", "lift_high"}
    assert all(set(control) == lift for row in figures["rows"] for control in row["controls"].values())
    assert "made up: 2 features unscored, fewer than 20 firings" in found.table


def test_statements_about_any_directions_are_scored_with_controls(exam: Exam) -> None:
    subject = exam.workbench.subject
    sets = [Statement("", promotes=(parse_spec(name),)) for name in exam.workbench.library.names[:2]]
    found = score_directions(exam, subject.decoder[[24, 89, 300]], [*sets, Statement("says nothing")])
    scorer = OutputScorer(exam)
    items = scorer.items_of(subject.decoder[24], 0)
    assert not isinstance(items, str)
    assert found.features[0].label == scorer.score(0, items, sets[0])
    assert found.features[0].controls["shuffled"] == scorer.score(0, items, sets[1])
    assert found.features[2].abstained and found.features[2].label.value == 0.5


def test_scoring_the_bundled_subject_with_the_statistical_labels_of_a_few_features(
    records: Records, exam: Exam, indexed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tsea.evals.scorers.programs import program_scorers

    name = exam.workbench.library.names[0]
    claim = {"side": "output", "direction": "promotes", "spec": {"library": name}, "claim": "present"}
    fires = {"side": "input", "direction": "fires", "spec": {"token": {"library": name}}}
    run = stored(records, exam, *(label(feature, hypotheses=[claim, fires]) for feature in range(0, 64, 2)))
    scored = score_run(exam, records, run, program_scorers(exam, ("output", "input", "next-token")))
    for one in scored:
        for found in one.features:
            for control in ("empty", "everything"):
                assert found.label.value is None or found.controls[control].value == 0.5
    assert sum(found.label.value is not None for found in scored[0].features) > 20
