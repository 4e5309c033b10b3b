"""Inflected forms of English words: regular ones by the rules of spelling, irregular verbs from a list."""

from __future__ import annotations

import functools
import re

from .word_lists import word_lists

_TAKES_ES = re.compile("(s|x|z|ch|sh|[^aeiou]o)$")
_CONSONANT_Y = re.compile("[^aeiou]y$")
# One syllable that ends in consonant, vowel, consonant doubles the last letter: stop, stopped.
_DOUBLES = re.compile("^[^aeiou]*[aeiou][^aeiouwxy]$")


def inflected(word: str) -> list[str]:
    """A lower-case base form, then its plural or third person, past, participle and -ing form, without repeats.

    Every word is inflected as noun and verb alike: forms that do not exist are no tokens and do no harm.
    """
    irregular = _irregular_verbs().get(word)
    past = irregular if irregular is not None else (_joined(word, "ed"),)
    return list(dict.fromkeys((word, _plural(word), *past, _joined(word, "ing"))))


def _plural(word: str) -> str:
    if _CONSONANT_Y.search(word):
        return word[:-1] + "ies"
    return word + ("es" if _TAKES_ES.search(word) else "s")


def _joined(word: str, ending: str) -> str:
    if _DOUBLES.match(word) and len(word) > 2:
        return word + word[-1] + ending
    if word.endswith("e") and not (ending == "ing" and word.endswith(("ee", "oe", "ye"))):
        return word[:-1] + ending
    if ending == "ed" and _CONSONANT_Y.search(word):
        return word[:-1] + "ied"
    return word + ending


@functools.cache
def _irregular_verbs() -> dict[str, tuple[str, ...]]:
    """Past and participle by base form."""
    rows = word_lists("irregular_verbs").items()
    return {base: tuple(form for forms in row for form in forms.split("/")) for base, row in rows}
