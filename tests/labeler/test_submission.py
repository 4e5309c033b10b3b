"""Labels that somebody submits: the tests decide what they claim, and nothing is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tsea.labeler.submission import Submission, judged_label
from tsea.tools.errors import UsageError
from tsea.tools.investigation import Investigation
from tsea.tools.statistics.directions import NULLS

if TYPE_CHECKING:
    from tsea.tools.inputs.enrichment import ReadingEnrichment
    from tsea.tools.workbench import Workbench

DIGITS = {"regex": " ?[0-9]+$"}
DIGIT_FEATURE = 1271  # promotes single digits
FIRES = {"token": {"regex": " ?[0-9]+$"}}


@pytest.fixture
def investigation(
    pocket_bench: Workbench, pocket_reading: ReadingEnrichment, tmp_path: Path
) -> Iterator[Investigation]:
    made = Investigation(run="test", database=f"sqlite:///{tmp_path}/t.db", opener=lambda _: pocket_bench)
    yield made
    made.close()


def judged(investigation: Investigation, submission: Submission):  # noqa: ANN201
    return judged_label(investigation.workbench(), investigation.ledger(), submission, "mcp")


def test_what_is_there_is_claimed_and_what_is_not_is_not(investigation: Investigation) -> None:
    label, found = judged(
        investigation, Submission(DIGIT_FEATURE, "Digits.", promotes=[DIGITS], suppresses=[DIGITS], confidence=0.9)
    )
    promotes, suppresses = found
    assert promotes.claim in ("present", "specific") and suppresses.claim == "none"
    assert label.claim == promotes.claim and label.status == "labelled" and label.q == promotes.hypothesis.q
    assert promotes.hypothesis.holds and promotes.hypothesis.effect > 0.5
    assert "above 0.05" in suppresses.why
    assert [h["direction"] for h in label.hypotheses] == ["promotes", "suppresses"]


def test_the_claim_is_that_of_the_tests_themselves(investigation: Investigation) -> None:
    workbench = investigation.workbench()
    _, (one,) = judged(investigation, Submission(DIGIT_FEATURE, "Digits.", promotes=[DIGITS]))
    from tsea.tools.token_sets.spec import parse_spec

    chosen = np.array([DIGIT_FEATURE])
    for null, p in zip(NULLS, (one.hypothesis.p_present, one.hypothesis.p_specific), strict=True):
        (rows,) = workbench.test_set(chosen, parse_spec(DIGITS), null)
        mass = next(row for row in rows if row.statistic == "mass" and row.side == "promoted")
        assert mass.p == p


def test_a_label_without_hypotheses_says_that_nothing_is_claimed(investigation: Investigation) -> None:
    label, found = judged(investigation, Submission(7, "Nothing survived.", confidence=0.5))
    assert (label.status, label.claim, label.hypotheses, label.q, found) == ("no_claim", "none", [], None, [])


def test_what_it_fires_on_is_tested_too(investigation: Investigation) -> None:
    label, (one,) = judged(investigation, Submission(DIGIT_FEATURE, "Fires on digits.", fires=[FIRES]))
    assert one.hypothesis.side == "input" and one.hypothesis.base is not None
    assert label.claim == one.claim and (one.claim == "none") == (label.status == "no_claim")


def test_every_submission_is_a_row_and_its_tests_count(investigation: Investigation) -> None:
    records, ledger = investigation.records, investigation.ledger()
    ids = [
        records.submit(ledger.run, judged(investigation, Submission(DIGIT_FEATURE, text, promotes=[DIGITS]))[0])
        for text in ("Digits.", "Numbers of one digit.")
    ]
    subject = investigation.workbench().subject.hash
    assert [label.text for label, _ in records.labels_about(subject)] == ["Numbers of one digit.", "Digits."]
    assert [label.text for label, _ in records.labels_about(subject, ["one", "DIGIT"])] == ["Numbers of one digit."]
    assert records.labels_about(subject, features=[3]) == [] and records.labels_about(subject, run="other") == []
    assert records.labels_about("another subject") == [] and records.label(10**6) is None
    first = records.label(ids[0])
    assert first is not None and (first[0].text, first[1].name) == ("Digits.", "test")
    assert {entry.feature for entry in records.ledger(ledger.run)} == {DIGIT_FEATURE}
    assert sum(entry.n_tests for entry in records.ledger(ledger.run)) > 0


def test_what_cannot_be_tested_is_refused_whole(investigation: Investigation) -> None:
    with pytest.raises(UsageError):
        judged(investigation, Submission(7, "Nothing.", promotes=[{"words": ["qqqqqqq"]}]))
    with pytest.raises(UsageError):
        judged(investigation, Submission(7, "Nothing.", promotes=[DIGITS], fires=[{"tokn": "pos.CD"}]))
    assert investigation.records.ledger(investigation.ledger().run) == []
