"""Single words as token sets: many features fire on one, and no set of many words should pass for it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..token_sets.library import TokenSet
from ..token_sets.resolve import resolve
from ..token_sets.spec import TokenSetSpec, parse_spec
from ..vocabulary import Vocabulary, visible

FAMILY = "word"


def frequent_words(
    tokens: np.ndarray, vocabulary: Vocabulary, others: Iterable[TokenSet], least: int
) -> list[TokenSet]:
    """The spellings of each word that stands at least `least` times among tokens (n,), the most frequent first.

    A set's name is its TokenSetSpec as JSON. Words whose spellings are one of the `others` are left out.
    """
    known = {s.ids.tobytes() for s in others}
    of_token, words = word_numbers(vocabulary)
    counts = np.bincount(of_token[tokens], minlength=len(words))
    counts[np.unique(of_token[sorted(vocabulary.special)])] = 0
    order = np.argsort(-counts, kind="stable")
    found: list[TokenSet] = []
    for word in (words[number] for number in order[: int((counts >= least).sum())].tolist()):
        spec = TokenSetSpec.model_validate({"words": [word], "variants": "all"})
        ids = resolve(spec, vocabulary).ids
        if len(ids) and ids.tobytes() not in known:
            found.append(TokenSet(spec.to_json(), FAMILY, f'"{visible(word)}"', ids, "words of the index", ""))
    return found


def word_numbers(vocabulary: Vocabulary) -> tuple[np.ndarray, list[str]]:
    """Which word each token (V,) is a spelling of, whatever its case and the space before it; and the words."""
    words, numbers = np.unique(np.array([_word(text) for text in vocabulary.text], object), return_inverse=True)
    return numbers, words.tolist()


def set_title(name: str) -> str:
    """The name of a set for people: a word's set has its specification as name."""
    return f'"{visible((parse_spec(name).words or [name])[0])}"' if name.startswith("{") else name


def _word(text: str) -> str:
    return text.strip(" ").lower() or text
