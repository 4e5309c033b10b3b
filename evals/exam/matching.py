"""Which tokens look alike: exact in leading space, case and script, then near in frequency and length."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from ...tools.token_sets.view import REPLACEMENT

_LETTER = 0.3  # what a letter more or less weighs beside a factor of e in frequency


class TokenLooks:
    """How tokens look, (n,) each: `shape` a number for leading space, case and script, `frequency` (log), `length`."""

    def __init__(self, texts: Sequence[str], counts: np.ndarray) -> None:
        shapes = [token_shape(text) for text in texts]
        numbers = {shape: number for number, shape in enumerate(dict.fromkeys(shapes))}
        self.shape = np.array([numbers[shape] for shape in shapes])
        self.frequency = np.log1p(counts)
        self.length = np.array([len(text.strip()) for text in texts])

    def matched(self, chosen: np.ndarray, free: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Places of the chosen tokens that have a match, in any order, and of their matches among `free` ones.

        Each free token (a mask, (n,)) is taken once, by the first that comes; ties are broken at random.
        """
        left, pairs = free.copy(), np.empty((0, 2), np.int64)
        for one in rng.permutation(chosen):
            others = rng.permutation(np.flatnonzero(left & (self.shape == self.shape[one])))
            if len(others):
                away = np.abs(self.frequency[others] - self.frequency[one])
                away = away + _LETTER * np.abs(self.length[others] - self.length[one])
                nearest = others[np.argmin(away)]
                left[nearest] = False
                pairs = np.append(pairs, [[one, nearest]], axis=0)
        return pairs[:, 0], pairs[:, 1]


def token_shape(text: str) -> tuple[bool, str, str]:
    """Leading space, script and case of a token's text."""
    word = text.strip()
    return text.startswith(" ") and bool(word), _script(text, word), _case(word)


def _script(text: str, word: str) -> str:
    if REPLACEMENT in text:
        return "incomplete"
    if not word:
        return "space"
    if word.isdigit():
        return "digits"
    if not any(character.isalnum() for character in word):
        return "symbols"
    if not word.isalpha():
        return "mixed"
    return "ascii" if word.isascii() else unicodedata.name(word[0], "").partition(" ")[0]


def _case(word: str) -> str:
    if word.islower():
        return "lower"
    if word.isupper():
        return "upper" if len(word) > 1 else "capital"
    if word[:1].isupper() and word[1:].islower():
        return "title"
    return "mixed" if any(character.isupper() for character in word) else "none"
