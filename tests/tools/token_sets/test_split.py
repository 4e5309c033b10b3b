"""Sealed tokens: all spellings of a word in one part, the same part everywhere and forever."""

from __future__ import annotations

import numpy as np
import pytest

from tsea.tools.token_sets.split import CONFIRM, OPEN, TEST, token_split
from tsea.tools.vocabulary import Vocabulary


def split_of(*texts: str, raw: tuple[str, ...] | None = None) -> list[int]:
    return token_split(Vocabulary(raw or texts, texts, frozenset())).tolist()


def test_spellings_and_inflections_of_a_word_stay_together() -> None:
    words = ["walk", "mister", "house", "quick", "relation", "2001"]
    for word in words:
        family = (word, f" {word}", word.upper(), f" {word.title()}", f"{word}s", f" {word} ")
        assert len(set(split_of(*family))) == 1


def test_parts_do_not_depend_on_the_rest_of_the_vocabulary_or_on_the_raw_spelling() -> None:
    words = [f"word{chr(97 + i)}{chr(97 + j)}" for i in range(6) for j in range(6)]
    alone = [split_of(word)[0] for word in words]
    assert split_of(*words, raw=tuple(f"\u0120{word}" for word in words)) == alone
    assert len(set(alone)) == 3


def test_the_parts_never_move() -> None:
    words = ("dog", "house", "time", "king", "red", "seven", "Paris", "!", "walk")
    assert split_of(*words) == [TEST, TEST, OPEN, CONFIRM, OPEN, TEST, OPEN, TEST, OPEN]


def test_incomplete_characters_and_whitespace_are_families_of_their_own() -> None:
    raw = tuple(f"<0x{byte:02X}>" for byte in range(0x80, 0xC0))
    assert set(split_of(*(["\ufffd"] * len(raw)), raw=raw)) == {OPEN, CONFIRM, TEST}
    assert len(set(split_of(*(" " * n for n in range(1, 40))))) == 3


def test_the_split_is_sixty_twenty_twenty_and_cannot_be_written_to(gpt2: Vocabulary) -> None:
    split = token_split(gpt2)
    assert split.dtype == np.int8
    assert np.bincount(split) / len(gpt2) == pytest.approx([0.6, 0.2, 0.2], abs=0.01)
    with pytest.raises(ValueError, match="read-only"):
        split[0] = 1
