"""Single words as token sets."""

from __future__ import annotations

import numpy as np

from tsea.tools.inputs.words import FAMILY, frequent_words, set_title, word_numbers
from tsea.tools.token_sets import TokenSet
from tsea.tools.token_sets.resolve import resolve
from tsea.tools.vocabulary import Vocabulary

TEXTS = ("for", " for", "For", " FOR", "cat", " Cat", "\n", "\n ", ",", " ,", "!", "<end>")
VOCABULARY = Vocabulary(tuple(t.replace(" ", "Ġ") for t in TEXTS), TEXTS, frozenset({11}))


def test_tokens_are_spellings_of_a_word_whatever_their_case_and_space() -> None:
    numbers, words = word_numbers(VOCABULARY)
    assert [words[n] for n in numbers] == ["for"] * 4 + ["cat"] * 2 + ["\n"] * 2 + [","] * 2 + ["!", "<end>"]


def test_words_that_stand_often_enough_become_sets_of_their_spellings() -> None:
    tokens = np.array([0, 1, 1, 3, 4, 5, 8, 8, 8, 8, 8, 10] + [11] * 9)
    found = frequent_words(tokens, VOCABULARY, [], 2)
    assert [(s.description, s.ids.tolist()) for s in found] == [
        ('","', [8, 9]),
        ('"for"', [0, 1, 2, 3]),
        ('"cat"', [4, 5]),
    ]
    assert all(s.family == FAMILY and resolve(s.name, VOCABULARY).ids.tolist() == s.ids.tolist() for s in found)
    assert set_title(found[1].name) == '"for"' and set_title("pos.CD") == "pos.CD"


def test_words_that_are_a_set_already_are_left_out() -> None:
    comma = TokenSet("punctuation.comma", "punctuation", "Commas", np.array([8, 9]), "", "")
    assert frequent_words(np.array([8, 8, 8]), VOCABULARY, [comma], 1) == []
