from __future__ import annotations

import fake_llm
import numpy as np
import pytest
from fake_llm import Status
from judging import answering, constant, data_of, exam, made, scored

from tsea.evals.exam.items import TokenItems
from tsea.evals.scorers.output_detection import OutputDetection

# " w0" to " w19" are promoted, " w20" to " w39" matched.
TOKENS = TokenItems(np.arange(4, 24), np.arange(24, 44))
SCORER = OutputDetection(exam(tokens=TOKENS))


def numbers(tokens: list[str]) -> list[int]:
    return [int(token[2:]) for token in tokens]


def test_a_judge_that_knows_the_tokens_finds_all_lists() -> None:
    with fake_llm.serve(answering(lambda pair: "A" if max(numbers(pair["A"])) < 20 else "B")) as llm:
        found = scored(SCORER, llm)
    assert found.value == 1.0 and found.n == 8 and found.details["answers"] == [0, 1] * 4


def test_a_judge_that_knows_one_list_of_four_scores_by_hand() -> None:
    # Token w7 is in one of the four promoted lists: found in both orders; all else is answered A, right once of twice.
    def knows(pair: dict[str, list[str]]) -> str:
        return "B" if 7 in numbers(pair["B"]) else "A"

    with fake_llm.serve(answering(knows)) as llm:
        assert scored(SCORER, llm).value == pytest.approx((1.0 + 0.25) / 2)


@pytest.mark.parametrize("letter", "AB")
def test_the_same_list_each_time_scores_chance(letter: str) -> None:
    with fake_llm.serve(constant(letter)) as llm:
        assert scored(SCORER, llm).value == SCORER.chance == 0.5
    with fake_llm.serve(constant(letter), faults=lambda number: Status(400) if number == 0 else None) as llm:
        assert scored(SCORER, llm).value == 0.5


def test_both_orders_are_asked_in_different_prompts() -> None:
    with fake_llm.serve(answering(lambda pair: "A")) as llm:
        scored(SCORER, llm)
    seen = []
    for one in llm.seen:
        pairs = [frozenset(map(tuple, pair.values())) for pair in data_of(one.body)["questions"].values()]
        assert len(set(pairs)) == len(pairs)
        seen += pairs
    assert len(seen) == 8 and all(seen.count(pair) == 2 for pair in seen)


def test_every_token_is_in_one_list_with_its_match() -> None:
    items = made(SCORER.items(7))
    assert sorted(token for promoted, _ in items for token in promoted) == list(range(4, 24))
    assert all([token + 20 for token in promoted] == matched for promoted, matched in items)


def test_too_few_tokens_are_no_items() -> None:
    few = TokenItems(np.arange(3), np.arange(3))
    assert OutputDetection(exam(tokens=few)).items(7) == "3 test tokens that it promotes, 5 needed"
    assert OutputDetection(exam(tokens="ranks no token")).items(7) == "ranks no token"
