"""Sealed test tokens and what they are matched with."""

from __future__ import annotations

import numpy as np
import pytest

from tsea.evals.exam.exam import Exam
from tsea.evals.exam.items import TokenItems
from tsea.evals.exam.matching import TokenLooks, token_shape
from tsea.evals.exam.test_tokens import DIRECTIONS, EXTREME, FEWEST, MIN_TOKENS, TestTokens
from tsea.evals.scorers.output import separation
from tsea.tools.token_sets.split import OPEN, TEST, token_split
from tsea.tools.workbench import Workbench


@pytest.fixture(scope="module")
def every(exam: Exam) -> list[TokenItems]:
    """The items of every live feature that can be examined, in both directions."""
    live = np.flatnonzero(exam.workbench.subject.alive)[::4].tolist()
    found = [exam.tokens.items(feature, direction) for feature in live for direction in DIRECTIONS]
    return [one for one in found if isinstance(one, TokenItems)]


def test_all_are_sealed_the_extreme_ones_most_extreme_and_the_others_in_the_other_half(exam: Exam) -> None:
    subject, tokens = exam.workbench.subject, exam.tokens
    items = tokens.items(24, "suppresses")
    assert isinstance(items, TokenItems)
    weights = dict(zip(subject.universe.tolist(), (subject.decoder[24] @ subject.whitened).tolist(), strict=True))
    test = sorted(weights[token] for token in tokens.ids.tolist())
    assert (token_split(subject.vocabulary)[[*items.extreme, *items.matched]] == TEST).all()
    count = max(FEWEST, round(EXTREME * len(test)))
    assert max(weights[token] for token in items.extreme.tolist()) <= test[count - 1]
    assert min(weights[token] for token in items.matched.tolist()) >= np.median(test)


def test_matches_have_the_same_shape_are_near_in_frequency_and_taken_once(exam: Exam, every: list[TokenItems]) -> None:
    text = exam.workbench.subject.vocabulary.text
    counts = dict(zip(exam.tokens.ids.tolist(), np.log1p(exam.tokens.counts).tolist(), strict=True))
    away = []
    for items in every:
        assert len(items.extreme) == len(items.matched) >= MIN_TOKENS
        assert len({*items.extreme.tolist(), *items.matched.tolist()}) == 2 * len(items.extreme)
        for one, other in zip(items.extreme.tolist(), items.matched.tolist(), strict=True):
            assert token_shape(text[one]) == token_shape(text[other])
        away.append(np.mean([counts[a] - counts[b] for a, b in zip(items.extreme, items.matched, strict=True)]))
    assert abs(np.mean(away)) < 0.15


def test_the_same_items_come_each_time(exam: Exam, pocket_bench: Workbench) -> None:
    first, again = exam.tokens.items(24, "promotes"), exam.tokens.items(24, "promotes")
    assert isinstance(first, TokenItems) and isinstance(again, TokenItems)
    assert np.array_equal(first.matched, again.matched) and np.array_equal(first.extreme, again.extreme)


def test_what_ranks_no_token_is_no_exam(exam: Exam) -> None:
    assert "ranks no token" in str(exam.tokens.items_of(np.zeros(exam.workbench.subject.d_model), "promotes", 0))


def test_too_few_matches_are_a_reason_with_the_count_needed(
    exam: Exam, pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tsea.evals.exam.test_tokens.MIN_TOKENS", 99)
    reason = exam.tokens.items(24, "promotes")
    assert isinstance(reason, str) and reason.startswith("fewer than 99 of ")


def test_without_an_index_low_ids_count_as_frequent(pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsea.evals.exam.test_tokens.can_open_index", lambda _: False)
    assert (np.diff(TestTokens(pocket_bench).counts) < 0).all()


def test_constant_answers_and_lists_of_open_tokens_are_exactly_at_chance(exam: Exam, every: list[TokenItems]) -> None:
    vocabulary = exam.workbench.subject.vocabulary
    opened = token_split(vocabulary) == OPEN
    for members in (np.ones(len(vocabulary), bool), np.zeros(len(vocabulary), bool), opened):
        assert {separation(items, members) for items in every} == {0.5}


@pytest.mark.parametrize("labeler", ["a set of the library", "random tokens"])
def test_random_labels_are_within_a_seeded_interval_of_chance(
    exam: Exam, every: list[TokenItems], labeler: str
) -> None:
    rng = np.random.default_rng(8)
    vocabulary = exam.workbench.subject.vocabulary
    sets = [np.isin(np.arange(len(vocabulary)), one.ids) for one in exam.workbench.library]
    if labeler == "random tokens":
        sets = [rng.random(len(vocabulary)) < own.mean() for own in sets]
    scores = np.array([separation(items, sets[rng.integers(len(sets))]) for items in every])
    assert len(scores) > 1500 and scores.std() > 0.01
    assert abs(scores.mean() - 0.5) < 3.2905 * scores.std() / np.sqrt(len(scores))  # two-sided 99.9 %


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        (" the", (True, "ascii", "lower")),
        ("The", (False, "ascii", "title")),
        (" NASA", (True, "ascii", "upper")),
        ("I", (False, "ascii", "capital")),
        ("iPhone", (False, "ascii", "mixed")),
        ("12", (False, "digits", "none")),
        (" -", (True, "symbols", "none")),
        ("'s", (False, "mixed", "lower")),
        ("  ", (False, "space", "none")),
        ("\ufffd", (False, "incomplete", "none")),
        (" мир", (True, "CYRILLIC", "lower")),
        ("ü", (False, "LATIN", "lower")),
    ],
)
def test_shapes(text: str, shape: tuple[bool, str, str]) -> None:
    assert token_shape(text) == shape


def test_the_nearest_free_token_of_the_same_shape_is_taken() -> None:
    looks = TokenLooks([" one", " two", " six", " Ann", "one"], np.array([100, 90, 3, 100, 100]))
    chosen, matched = looks.matched(np.array([0]), np.array([False, True, True, True, True]), np.random.default_rng(0))
    assert (chosen.tolist(), matched.tolist()) == ([0], [1])
    chosen, matched = looks.matched(np.array([3]), np.array([True, True, True, False, True]), np.random.default_rng(0))
    assert (chosen.tolist(), matched.tolist()) == ([], [])
