"""What builders read: a vocabulary's tokens as words, with helpers that give the ids of a rule or a word list."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..vocabulary import Vocabulary

# Shorter lower-case tokens without a space mostly continue a word ("in" in "train"), so no word list claims them.
MIN_BARE_WORD = 4
_APOSTROPHE = str.maketrans("\u2019", "'")
REPLACEMENT = "\ufffd"


class Token(NamedTuple):
    """One ordinary token: `word` is the text without spaces around it, `spaced` says that a space leads."""

    id: int
    raw: str
    text: str
    word: str
    spaced: bool


class Candidate(NamedTuple):
    """A set as a builder proposes it; the name is completed with the family's."""

    name: str
    description: str
    ids: np.ndarray


class TokenView:
    """The ordinary (not special) tokens of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.size = len(vocabulary)
        self.tokens = [
            Token(token, raw, text, text.strip(" "), text.startswith(" ") and bool(text.strip(" ")))
            for token, (raw, text) in enumerate(zip(vocabulary.raw, vocabulary.text, strict=True))
            if token not in vocabulary.special
        ]
        self._spaced = np.zeros(self.size, bool)
        self._spaced[[token.id for token in self.tokens if token.spaced]] = True

    @functools.cached_property
    def letters(self) -> list[Token]:
        """Tokens whose word is letters and nothing else."""
        return [token for token in self.tokens if token.word.isalpha()]

    @functools.cached_property
    def by_word(self) -> dict[str, list[Token]]:
        """Tokens that stand for a whole word, by the word in lower case.

        They begin with a space or a capital. A token with neither counts when it has MIN_BARE_WORD letters and the
        vocabulary holds the same word with a space: else it is the rest of a longer word ("itizens").
        """
        spaced = {token.word for token in self.tokens if token.spaced}
        table: dict[str, list[Token]] = {}
        for token in self.tokens:
            word = token.word
            bare = not token.spaced and word[:1].islower()
            if word and (not bare or (len(word) >= MIN_BARE_WORD and word in spaced)):
                table.setdefault(word.lower().translate(_APOSTROPHE), []).append(token)
        return table

    def of_words(self, words: Iterable[str]) -> np.ndarray:
        """Ids of the tokens that stand for these words, in any case, with or without leading space."""
        return to_ids(token for word in words for token in self.by_word.get(word.lower(), ()))

    def of_exact_words(self, words: Iterable[str]) -> np.ndarray:
        """Ids of the tokens whose word is one of these in exactly this case, with or without leading space."""
        wanted = set(words)
        return to_ids(token for token in self.tokens if token.word in wanted)

    def matching(self, pattern: str) -> np.ndarray:
        """Ids of the tokens whose word, without the spaces around it, matches the whole pattern."""
        match = re.compile(pattern).fullmatch
        return to_ids(token for token in self.tokens if match(token.word))

    def halves(self, name: str, description: str, ids: np.ndarray) -> list[Candidate]:
        """The halves of a set with and without leading space."""
        spaced = self._spaced[ids]
        return [
            Candidate(f"{name}.space", f"{description}, with leading space", ids[spaced]),
            Candidate(f"{name}.bare", f"{description}, without leading space", ids[~spaced]),
        ]


def to_ids(tokens: Iterable[Token]) -> np.ndarray:
    """Ascending int64 ids of tokens, without repeats."""
    return np.array(sorted({token.id for token in tokens}), np.int64)
