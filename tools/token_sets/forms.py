"""Inflected forms of English words: regular ones by the rules of spelling, others from lists."""

from __future__ import annotations

import functools
import re

from .word_lists import word_lists

_TAKES_ES = re.compile("(s|x|z|ch|sh|[^aeiou]o)$")
_CONSONANT_Y = re.compile("[^aeiou]y$")
# One syllable that ends in consonant, vowel, consonant doubles the last letter: stop, stopped.
_DOUBLES = re.compile("^[^aeiou]*[aeiou][^aeiouwxy]$")


def inflected(word: str) -> list[str]:
    """A lower-case base form, then its plural or third person, past, participle, -ing form and comparison, once each.

    Every word is inflected as noun and verb alike: forms that do not exist are no tokens and do no harm. Only listed
    words are compared, for "walker" is no form of "walk".
    """
    irregular = _irregular_verbs().get(word)
    past = irregular if irregular is not None else (_joined(word, "ed"),)
    plurals = _irregular_plurals().get(word, ())
    return list(dict.fromkeys((word, _plural(word), *plurals, *past, _joined(word, "ing"), *_compared(word))))


def _plural(word: str) -> str:
    if _CONSONANT_Y.search(word):
        return word[:-1] + "ies"
    return word + ("es" if _TAKES_ES.search(word) else "s")


def _joined(word: str, ending: str) -> str:
    if _DOUBLES.match(word) and len(word) > 2:
        return word + word[-1] + ending
    if word.endswith("e") and not (ending == "ing" and word.endswith(("ee", "oe", "ye"))):
        return word[:-1] + ending
    if ending != "ing" and _CONSONANT_Y.search(word):
        return word[:-1] + "i" + ending
    return word + ending


def _compared(word: str) -> tuple[str, ...]:
    regular = (_joined(word, "er"), _joined(word, "est")) if word in word_lists("comparisons")["regular"] else ()
    return regular + _irregular_comparisons().get(word, ())


@functools.cache
def _irregular_plurals() -> dict[str, tuple[str, ...]]:
    return _after_slashes("irregular_plurals")


@functools.cache
def _irregular_comparisons() -> dict[str, tuple[str, ...]]:
    return _after_slashes("comparisons")


def _after_slashes(file: str) -> dict[str, tuple[str, ...]]:
    """Forms by base, of a list that writes base/form/form."""
    forms: dict[str, tuple[str, ...]] = {}
    for row in word_lists(file)["irregular"]:
        base, *others = row.split("/")
        forms[base] = (*forms.get(base, ()), *others)
    return forms


@functools.cache
def _irregular_verbs() -> dict[str, tuple[str, ...]]:
    """Past and participle by base form."""
    rows = word_lists("irregular_verbs").items()
    return {base: tuple(form for forms in row for form in forms.split("/")) for base, row in rows}
