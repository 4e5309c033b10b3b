"""Stored scores as comparisons take them, and runs that cannot be compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from compared import OUTPUT, label, stored_scores_of

from tsea.evals.comparison.loading import scored_runs
from tsea.evals.comparison.paired import Measure
from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as opened:
        for name, subject in (("a", "pocket"), ("b", "pocket"), ("other", "pocket-random")):
            run = opened.open_run(name, subject, f"hash of {subject}", {"name": name})
            for one in (label(3, "first"), label(3, "second"), label(4, "silent", status="no_claim"), label(5)):
                opened.submit(run, one)
        yield opened


def write(records: Records, name: str, *, exam: str = "exam", judge: str = "", scorer: str = "output") -> None:
    """Scores of the last label of each feature: .9 of 3, chance of the silent 4, none of 5."""
    values = {3: 0.9, 4: 0.5, 5: None}
    stored_scores_of(records, name, values, abstaining=[4], exam=exam, judge=judge, scorer=scorer)


def test_runs_come_in_the_order_named_with_the_labels_that_were_scored(records: Records) -> None:
    for name in ("a", "b"):
        write(records, name)
    (first, second), notes = scored_runs(records, ["b", "a"])
    assert (first.name, second.name, notes) == ("b", "a", [])
    assert {feature: one.text for feature, one in first.labels.items()} == {3: "second", 4: "silent", 5: "digits"}
    found = first.scores[OUTPUT]
    assert {feature: (one.label.value, one.abstained) for feature, one in found.items()} == {
        **{3: (0.9, False), 4: (0.5, True), 5: (None, True)},
    }
    assert found[5].label.unscored == "too few firings" and found[3].controls["empty"].value == 0.5


def test_scores_of_labels_that_have_a_later_one_do_not_count(records: Records) -> None:
    for name in ("a", "b"):
        write(records, name)
    records.submit(records.run("b"), label(3, "third"))
    (first, second), _ = scored_runs(records, ["a", "b"])
    assert 3 in first.scores[OUTPUT] and 3 not in second.scores[OUTPUT] and second.labels[3].text == "third"


def test_scores_are_of_one_exam_the_latest_that_all_sat(records: Records) -> None:
    for name, exam in (("a", "old"), ("a", "new"), ("a", "newest"), ("b", "new"), ("b", "old")):
        write(records, name, exam=exam)
        write(records, name, exam=f"{exam} of {name}", judge="m", scorer="detection")
    (first, second), notes = scored_runs(records, ["a", "b"])
    assert list(first.scores) == list(second.scores) == [OUTPUT]
    (note,) = notes
    assert "Scores by detection, judge m are not compared" in note and "`tsea eval score` them again" in note


def test_a_judge_is_part_of_the_measure(records: Records) -> None:
    write(records, "a", scorer="detection", judge="m")
    write(records, "b", scorer="detection", judge="n")
    with pytest.raises(UsageError, match="have no score by the same scorer and exam: `tsea eval score a`"):
        scored_runs(records, ["a", "b"])
    write(records, "b", scorer="detection", judge="m")
    (_, second), _ = scored_runs(records, ["a", "b"])
    assert set(second.scores) == {Measure("detection", "n"), Measure("detection", "m")}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "needs two runs"),
        (["a", "b", "a"], "Run a is named twice"),
        (["a", "other"], r"Run a is on pocket \(hash of \) and run other on pocket-random"),
        (["a", "nobody"], "No run nobody"),
        (["a", "b"], "Run b has no scores yet: `tsea eval score b`"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(records: Records, names: list[str], message: str) -> None:
    write(records, "a")
    with pytest.raises(UsageError, match=message):
        scored_runs(records, names)
