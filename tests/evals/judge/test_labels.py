"""Labels of a run scored by a judge: on record once, controls beside them, payments apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import fake_llm
import numpy as np
import pytest
from fake_llm import MODEL, FakeLLM, Says, Status
from judging import answering, constant, data_of, settings
from judging import exam as made_exam
from outcomes import label

from tsea.evals.judge.labels import judge_run, run_estimate, score_run_by_judge
from tsea.evals.judge.running import JudgeLostError
from tsea.evals.scorers.by_judge import judged_scorers
from tsea.evals.scoring import Scored
from tsea.labeler.llm.prices import Price, Prices
from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run

HASH = "subject"


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as opened:
        yield opened


def held_exam() -> Any:
    """The exam of a subject whose features all fire on fox, but for feature 5, which is not examined."""
    made = made_exam()
    usual = made.contexts.items
    made.contexts.items = lambda feature: "fewer than 20 firings: 3" if feature == 5 else usual(feature)
    made.workbench.subject = SimpleNamespace(**vars(made.workbench.subject), hash=HASH, name="made up")
    made.identity, made.density = "exam", np.full(10, 0.01)
    return made


EXAM = held_exam()


def stored(records: Records, *labels: Any, hash: str = HASH) -> Run:
    run = records.open_run("first", "made up", hash, {"labeler": "made up"})
    for one in labels:
        records.submit(run, one)
    return run


def four(records: Records) -> Run:
    return stored(
        records,
        label(0, text="Fires on fox."),
        label(1, text="Fires on owl."),
        label(2, "no_claim", ""),
        label(5, text="Fires on fox."),
    )


def believing(request: dict[str, Any]) -> Says:
    """A judge that says yes where the text has the last word of the label, and to all texts without such a word."""
    data = data_of(request)
    found = re.search(r"on (\w+)\.", data["label"])
    if found is None:
        return constant(1)(request)
    return answering(lambda text: int(found[1] in text))(request)


def score(records: Records, run: Run, llm: FakeLLM, *names: str, **more: Any) -> list[Scored]:
    asked = settings(llm, **more)
    return score_run_by_judge(EXAM, records, run, judged_scorers(EXAM, asked, names or ("detection",)), asked)


def values(scored: Scored) -> dict[int, float | None]:
    return {one.feature: one.label.value for one in scored.features}


def test_labels_are_scored_beside_their_controls_and_abstaining_earns_chance_unasked(records: Records) -> None:
    run = four(records)
    with fake_llm.serve(believing) as llm:
        (found,) = score(records, run, llm)
    # The label on owls says yes to the 7 of 10 silent contexts that hold one, and to none that fires.
    assert values(found) == {0: 1.0, 1: pytest.approx(0.3 / 2), 2: 0.5, 5: None}
    assert [one.abstained for one in found.features] == [False, False, True, False]
    first = {name: one.value for name, one in found.features[0].controls.items()}
    assert set(first) == {"empty", "everything", "shuffled", "similar density"}
    assert first["empty"] == first["everything"] == 0.5
    assert found.features[3].label.unscored == "fewer than 20 firings: 3"
    assert found.features[2].controls == {}
    assert {one.feature for one in llm.seen} == {"0", "1"}


def test_what_is_on_record_is_not_asked_again(records: Records) -> None:
    run = four(records)
    with fake_llm.serve(believing) as llm:
        (first,) = score(records, run, llm)
        asked = len(llm.seen)
        (again,) = score(records, run, llm)
        assert len(llm.seen) == asked
        score(records, run, llm, seed=3)
        assert len(llm.seen) == 2 * asked
    assert values(again) == values(first)
    assert again.features[0].label.details == first.features[0].label.details
    assert again.features[0].controls.keys() == first.features[0].controls.keys()


def test_scores_that_failed_are_asked_for_again(records: Records) -> None:
    run = four(records)

    def play(request: dict[str, Any]) -> Says | Status:
        return Status(400) if "owl." in request["messages"][1]["content"] else believing(request)

    with fake_llm.serve(play) as llm:
        (broken,) = score(records, run, llm)
        llm.play = believing
        (mended,) = score(records, run, llm)
    assert values(broken)[1] is None and values(broken)[0] == 1.0
    assert values(mended)[1] == pytest.approx(0.15)


def test_a_total_failure_leaves_no_score_on_record(records: Records) -> None:
    run = stored(records, *(label(n, text=f"Fires on fox {n}.") for n in range(5)))
    with fake_llm.serve(faults=lambda number: Status(500)) as llm, pytest.raises(JudgeLostError):
        score(records, run, llm)
    rows = records.scores(run, "exam")
    assert rows and all(row.value is None and row.unscored for row in rows)


def test_payments_are_recorded_in_a_run_of_their_own(records: Records) -> None:
    run = four(records)
    with fake_llm.serve(believing) as llm:
        asked = settings(llm, prices=Prices({MODEL: Price(prompt=1.0, completion=10.0)}))
        score_run_by_judge(EXAM, records, run, judged_scorers(EXAM, asked, ["detection"]), asked)
        count = llm.completed()
    payer = judge_run(records, run, asked)
    paid = records.spent(payer).total("paid")
    assert (paid.requests, paid.prompt_tokens) == (count.replies, count.prompt)
    assert records.spent(run).by_feature == {}
    assert payer.summary is not None and payer.summary["cost"] == pytest.approx(paid.cost)
    assert payer.finished is not None and records.labels(payer) == []


def test_a_score_of_the_feature_has_no_controls_among_statements(records: Records) -> None:
    run = four(records)
    with fake_llm.serve(constant("A")) as llm:
        (found,) = score(records, run, llm, "intruder")
    assert {one.feature: len(one.controls) for one in found.features} == {0: 0, 1: 0, 2: 0, 5: 0}
    assert values(found)[0] == values(found)[2] == pytest.approx(0.2)


def test_labels_that_failed_or_cannot_be_read_are_unscored(records: Records) -> None:
    bad = label(1, text="b", hypotheses=[{"side": "output", "direction": "promotes", "spec": {"nonsense": 1}}])
    run = stored(records, label(0, text="Fires on fox."), bad)
    with fake_llm.serve(believing) as llm:
        (found,) = score(records, run, llm)
    assert values(found) == {0: 1.0, 1: None}
    assert "cannot be read" in str(found.features[1].label.unscored)


def test_the_estimate_counts_what_is_then_asked_and_writes_nothing(records: Records) -> None:
    run = four(records)
    with fake_llm.serve(believing) as llm:
        asked = settings(llm)
        found = run_estimate(EXAM, records, run, judged_scorers(EXAM, asked, ["detection"]), asked)
        assert not llm.seen and not records.scores(run, "exam")
        score(records, run, llm)
    assert found.scores == 2 * 5
    assert found.requests == 2 * 5 * 4
    assert found.prompt_tokens == pytest.approx(sum(one.usage[0] for one in llm.seen) * 40 / len(llm.seen), rel=0.1)


def test_a_run_of_another_subject_is_refused(records: Records) -> None:
    run = stored(records, label(0, text="a"), hash="another")
    with fake_llm.serve() as llm, pytest.raises(UsageError, match="not the same subject"):
        score(records, run, llm)
