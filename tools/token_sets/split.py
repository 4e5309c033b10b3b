"""Sealed tokens: each token belongs to the open, the confirm or the test part, all spellings of a word together."""

from __future__ import annotations

import functools
import hashlib

import numpy as np

from ..vocabulary import Vocabulary

OPEN, CONFIRM, TEST = 0, 1, 2
_PARTS = np.array([OPEN, OPEN, OPEN, CONFIRM, TEST], np.int8)
_REPLACEMENT = "\ufffd"


@functools.lru_cache(maxsize=4)
def token_split(vocabulary: Vocabulary) -> np.ndarray:
    """The part of every token id: 0 open (60 %), 1 confirm (20 %), 2 test (20 %); int8, read-only.

    Decided by a hash of the token's family alone (STATISTICS.md, section 12), so the same word falls into the same
    part on every tokenizer.
    """
    stems = _stems({word for word in map(_word, vocabulary.text) if word})
    families = [stems.get(_word(text)) or raw for raw, text in zip(vocabulary.raw, vocabulary.text, strict=True)]
    part_of = {family: _part(family) for family in set(families)}
    split = np.array([part_of[family] for family in families], np.int8)
    split.flags.writeable = False
    return split


def open_tokens(vocabulary: Vocabulary, universe: np.ndarray) -> np.ndarray:
    """The open ones among token ids (n,), in their order."""
    return universe[token_split(vocabulary)[universe] == OPEN]


def _word(text: str) -> str:
    """Stripped and casefolded; empty for whitespace and incomplete UTF-8, which are families of their own."""
    return "" if _REPLACEMENT in text else text.strip().casefold()


def _stems(words: set[str]) -> dict[str, str]:
    from nltk.stem.porter import PorterStemmer

    stem = PorterStemmer().stem
    return {word: stem(word, to_lowercase=False) for word in words}


def _part(family: str) -> int:
    digest = hashlib.blake2b(family.encode("utf-8", "surrogatepass"), digest_size=8, person=b"tsea.tokens")
    return int(_PARTS[int.from_bytes(digest.digest(), "little") % len(_PARTS)])
