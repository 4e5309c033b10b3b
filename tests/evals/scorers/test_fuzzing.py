from __future__ import annotations

import re

import fake_llm
import numpy as np
import pytest
from judging import FOX, answering, constant, data_of, exam, made, scored
from scipy.stats import ks_2samp

from tsea.evals.exam.items import ContextItem, ContextItems
from tsea.evals.scorers.fuzzing import Fuzzing
from tsea.tools.activations.part import Context

SCORER = Fuzzing(exam())


def marked(text: str) -> str:
    (token,) = re.findall("\u00ab(.*?)\u00bb", text)
    return token


def test_a_judge_that_goes_by_the_mark_finds_all() -> None:
    with fake_llm.serve(answering(lambda text: int(marked(text) == " fox"))) as llm:
        found = scored(SCORER, llm)
    assert found.value == 1.0 and found.n == 20 and len(llm.seen) == 4
    assert found.details["answers"] == [1, 0] * 10


def test_a_judge_that_goes_by_the_text_alone_scores_chance() -> None:
    with fake_llm.serve(answering(lambda text: int(" fox" in text.replace("\u00ab", "").replace("\u00bb", "")))) as llm:
        assert scored(SCORER, llm).value == 0.5


def test_a_judge_that_errs_on_some_wrong_marks_scores_the_balanced_accuracy() -> None:
    items = made(SCORER.items(7))
    wrong = sum(int(pair[1].tokens[pair[1].place]) < 24 for pair in items)
    with fake_llm.serve(answering(lambda text: int(marked(text) == " fox" or int(marked(text)[2:]) < 20))) as llm:
        found = scored(SCORER, llm)
    assert 0 < wrong < 10
    assert found.value == pytest.approx((1 + (10 - wrong) / 10) / 2)


@pytest.mark.parametrize("answer", [0, 1])
def test_a_constant_answer_scores_chance(answer: int) -> None:
    with fake_llm.serve(constant(answer)) as llm:
        assert scored(SCORER, llm).value == SCORER.chance == 0.5


def test_both_marks_of_a_context_never_stand_in_one_prompt() -> None:
    with fake_llm.serve(constant(1)) as llm:
        scored(SCORER, llm)
    for one in llm.seen:
        bare = [text.replace("\u00ab", "").replace("\u00bb", "") for text in data_of(one.body)["texts"].values()]
        assert len(set(bare)) == len(bare)


def test_the_place_of_a_mark_does_not_tell_which_one_it_is() -> None:
    right, wrong = [], []
    for feature in range(60):
        rng = np.random.default_rng(feature)
        firing = tuple(row(int(position)) for position in rng.integers(0, 128, 20))
        items = made(Fuzzing(exam(ContextItems(firing, firing, 0.1))).items(feature))
        right += [pair[0].place for pair in items]
        wrong += [pair[1].place for pair in items]
    assert len(right) == len(wrong) > 1000
    assert ks_2samp(right, wrong).pvalue > 0.05
    assert min(right) == min(wrong) == 0 and max(right) == max(wrong) == 32


def row(position: int) -> ContextItem:
    """A long row that fires at one token."""
    activations = np.zeros(128, np.float32)
    activations[position] = 1.0
    return ContextItem(Context("a", 0, np.full(128, 9), activations, position), "firing")


def test_wrong_marks_stand_at_silent_tokens_that_are_text() -> None:
    tokens = np.array([9, 9, 9, 6, 0, FOX, FOX, 5, 0, 9, 9])
    activations = np.array([0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0], np.float32)
    item = ContextItem(Context("a", 0, tokens, activations, 5), "firing")
    items = made(Fuzzing(exam(ContextItems((item,) * 20, (item,) * 20, 0.1))).items(7))
    assert {pair[1].tokens[pair[1].place] for pair in items} == {5, 6}
    assert all(len(pair[0].tokens) == 5 and pair[0].tokens[pair[0].place] == FOX for pair in items)


def test_a_feature_that_fires_everywhere_has_no_items() -> None:
    everywhere = ContextItem(Context("a", 0, np.array([FOX] * 9), np.ones(9, np.float32), 4), "firing")
    reason = Fuzzing(exam(ContextItems((everywhere,) * 8, (everywhere,) * 8, 1.0))).items(7)
    assert reason == "0 held-out contexts with silent tokens on both sides, 5 needed"


def test_contexts_that_fire_at_an_end_of_their_row_are_left_out() -> None:
    ends = tuple(row(position) for position in (0, 1, 126, 127))
    assert isinstance(Fuzzing(exam(ContextItems(ends * 5, ends * 5, 0.1))).items(7), str)
    assert len(made(Fuzzing(exam(ContextItems((row(64), *ends) * 5, ends * 5, 0.1))).items(7))) == 5
