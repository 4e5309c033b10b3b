from __future__ import annotations

from typing import Any

import fake_llm
import pytest
from fake_llm import Says, Status
from judging import answering, constant, contexts, data_of, exam, made, scored

from tsea.evals.scorers.detection import Detection
from tsea.evals.scores import EMPTY, Statement

SCORER = Detection(exam())


def test_a_judge_that_errs_on_some_silent_contexts_scores_the_balanced_accuracy() -> None:
    # Says yes to all 10 foxes and to 3 of 10 silent contexts, those with a hen: (1 + .7) / 2
    with fake_llm.serve(answering(lambda text: int("fox" in text or "hen" in text))) as llm:
        found = scored(SCORER, llm)
    assert found.value == pytest.approx(0.85)
    assert found.n == 20 and found.details["batch"] == 5 and len(llm.seen) == 4
    assert sum(found.details["answers"][:10]) == 10 and sum(found.details["answers"][10:]) == 3


def test_a_perfect_judge_scores_1_and_one_that_is_always_wrong_0() -> None:
    with fake_llm.serve(answering(lambda text: int("fox" in text))) as llm:
        assert scored(SCORER, llm).value == 1.0
    with fake_llm.serve(answering(lambda text: int("fox" not in text))) as llm:
        assert scored(SCORER, llm, Statement("Not fox.")).value == 0.0


@pytest.mark.parametrize("answer", [0, 1, True])
def test_a_constant_answer_scores_chance(answer: object) -> None:
    with fake_llm.serve(constant(answer)) as llm:
        assert scored(SCORER, llm).value == SCORER.chance == 0.5


def test_missing_answers_count_for_nothing_and_a_constant_answer_still_scores_chance() -> None:
    def play(request: dict[str, Any]) -> Says:
        texts = data_of(request)["texts"]
        return Says("{" + ",".join(f'"{k}": 1' for k, text in texts.items() if "hen" not in text) + "}")

    with fake_llm.serve(play) as llm:
        found = scored(SCORER, llm)
    assert found.value == 0.5 and found.n == 17
    assert found.details["unparsed"] == 3 and found.details["asked"] == 20
    assert found.details["answers"].count(None) == 3


def test_batches_that_fail_are_counted_and_the_rest_is_scored() -> None:
    first: list[dict[str, Any]] = []
    knows = answering(lambda text: int("fox" in text))

    def play(request: dict[str, Any]) -> Says | Status:
        first.append(request)
        return Status(500) if request == first[0] else knows(request)

    with fake_llm.serve(play) as llm:
        found = scored(SCORER, llm)
    assert found.value == 1.0 and found.n == 15
    assert found.details["failed"] == 5 and found.details["failures"] == {"unreachable": 5}


def test_a_total_failure_and_prose_yield_no_score() -> None:
    with fake_llm.serve(faults=lambda number: Status(500)) as llm:
        failed = scored(SCORER, llm)
    assert failed.value is None and failed.unscored == "the judge gave no answer: unreachable"
    with fake_llm.serve([Says("Most of them fit.")]) as llm:
        prose = scored(SCORER, llm)
    assert prose.value is None and prose.unscored == "the judge gave no answer that can be read"


def test_the_judge_sees_the_text_of_the_label_alone_and_no_marks() -> None:
    with fake_llm.serve(constant(1)) as llm:
        scored(SCORER, llm, EMPTY)
    for one in llm.seen:
        data = data_of(one.body)
        assert data["label"] == "" and set(data) == {"label", "texts"}
        assert not any("\u00ab" in text for text in data["texts"].values())


def test_statements_about_a_feature_are_scored_on_the_same_items_in_the_same_order() -> None:
    with fake_llm.serve(constant(1)) as llm:
        scored(SCORER, llm)
        first = [data_of(one.body)["texts"] for one in llm.seen]
        scored(SCORER, llm, Statement("Fires on owls."))
        again = [data_of(one.body)["texts"] for one in llm.seen[len(first) :]]
    assert sorted(map(str, first)) == sorted(map(str, again))
    rows = [[item.context.row for item in made(one).firing] for one in (SCORER.items(7), SCORER.items(7))]
    assert rows[0] == rows[1]


def test_a_feature_with_too_few_contexts_has_no_items() -> None:
    assert Detection(exam("fewer than 20 firings")).items(7) == "fewer than 20 firings"


def test_at_most_so_many_contexts_are_asked_about() -> None:
    items = made(Detection(exam(contexts(30, 10, 20))).items(7))
    assert len(items.firing) == len(items.silent) == Detection.each == 20
