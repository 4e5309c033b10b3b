from __future__ import annotations

import fake_llm
import pytest
from fake_llm import Says, Status
from judging import answering, constant, contexts, data_of, exam, made, scored

from tsea.evals.exam.items import ContextItems
from tsea.evals.scorers.intruder import ROUNDS, SHOWN, Intruder
from tsea.evals.scores import EMPTY

SCORER = Intruder(exam())


def odd_one(texts: dict[str, str]) -> str:
    return next(letter for letter, text in texts.items() if "\u00ab fox\u00bb" not in text)


def test_a_judge_that_sees_what_the_others_share_finds_all() -> None:
    with fake_llm.serve(answering(odd_one)) as llm:
        found = scored(SCORER, llm)
    assert found.value == 1.0 and found.n == SHOWN * ROUNDS == 10 == len(llm.seen)


def test_a_judge_that_finds_some_kinds_of_intruders_scores_their_share() -> None:
    items = made(SCORER.items(7))
    hens = [int(2 in trial.contexts[trial.intruder].context.tokens[24:]) for trial in items]
    with fake_llm.serve(
        answering(lambda texts: next((k for k, text in texts.items() if "\u00ab hen\u00bb" in text), "A"))
    ) as llm:
        found = scored(SCORER, llm)
    right = [hen or trial.intruder == 0 for hen, trial in zip(hens, items, strict=True)]
    assert found.value == pytest.approx(sum(right) / 10) and 2 < sum(right) < 10


@pytest.mark.parametrize("letter", "ABCDE")
def test_the_same_letter_each_time_scores_chance(letter: str) -> None:
    with fake_llm.serve(constant(letter)) as llm:
        assert scored(SCORER, llm).value == pytest.approx(SCORER.chance, abs=1e-15)


def test_the_same_letter_scores_chance_also_where_answers_are_missing() -> None:
    with fake_llm.serve(constant("A"), faults=lambda number: Status(400) if number == 4 else None) as llm:
        found = scored(SCORER, llm)
    assert found.details["failed"] == 1 and found.n == 9
    assert found.value == pytest.approx(SCORER.chance, abs=1e-15)


def test_no_label_is_shown_and_the_statement_does_not_matter() -> None:
    with fake_llm.serve(constant("A")) as llm:
        scored(SCORER, llm)
    assert all(set(data_of(one.body)) == {"texts"} and "fox." not in str(one.body) for one in llm.seen)
    assert SCORER.about == "feature" and SCORER.says_anything(EMPTY)


def test_intruders_are_contexts_of_other_features_first() -> None:
    plain = contexts(10, 5, 20)
    mixed = ContextItems(
        plain.firing,
        tuple(type(item)(item.context, "neighbour" if k % 2 else "same token") for k, item in enumerate(plain.silent)),
        plain.density,
    )
    items = made(Intruder(exam(mixed)).items(3))
    assert {trial.contexts[trial.intruder].kind for trial in items} == {"neighbour"}
    assert len({trial.contexts[trial.intruder].context.row for trial in items}) == 10
    assert all(sum(item.fires for item in trial.contexts) == SHOWN - 1 for trial in items)


def test_prose_yields_no_score_and_too_few_contexts_no_items() -> None:
    with fake_llm.serve([Says("The third one.")]) as llm:
        assert scored(SCORER, llm).unscored == "the judge gave no answer that can be read"
    few = Intruder(exam(contexts(10, 2, 7))).items(7)
    assert few == "10 firing and 9 silent contexts, 4 and 10 needed"
