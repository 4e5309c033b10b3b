"""Inflected and derived words whose base is a token too: more exact than a suffix, and no data needed.

What is spelt like a derived word and is none ("union", "liver") stands in `words/false_derivations.txt`, by set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ..view import Candidate, TokenView
from ..word_lists import function_words, word_lists

_HAS_VOWEL = re.compile("[aeiouy]")
_TAKES_ES = ("ses", "xes", "zes", "ches", "shes", "oes")


def inflection_sets(view: TokenView) -> Iterator[Candidate]:
    """Verb forms (regular and irregular), plurals, comparison, and common derivations."""
    words = {word for word in view.by_word if word.isalpha() and len(word) >= 3 and _HAS_VOWEL.search(word)}
    bases = words - function_words()
    long_bases = {base for base in bases if len(base) > 3}  # after un-, shorter ones are mostly pieces ("unden")
    irregularly_compared = [row.split("/") for row in word_lists("comparisons")["irregular"]]
    irregular = word_lists("irregular_verbs")  # base -> (past, participle)
    false = word_lists("false_derivations")

    def derived(name: str, undo: Callable[[str], Iterable[str]], among: set[str] = bases) -> dict[str, str]:
        candidates = view.by_word.keys() - set(false[name])
        return {word: base for word in candidates for base in undo(word) if base in among and base != word}

    gerunds = derived("verb_ing", undo("ing"))
    pasts = derived("verb_past", undo("ed"))
    verbs = set(gerunds.values()) | (words & irregular.keys())
    third = derived("verb_third_person", undo_s, verbs)
    # A past tense shows a verb too ("alleges"), yet less surely than a gerund does ("talented").
    plural = derived("plural", undo_s, bases - verbs - set(pasts.values()))
    more, most = derived("comparative", undo("er"), words), derived("superlative", undo("est"), words)
    compared = set(more.values()) & set(most.values())
    comparative, superlative = (
        {word for word, base in forms.items() if base in compared} | {row[at] for row in irregularly_compared}
        for forms, at in ((more, 1), (most, 2))
    )
    irregular_past = {form for past, _ in irregular.values() for form in past.split("/")}
    irregular_participle = {form for _, participle in irregular.values() for form in participle.split("/")}
    families: dict[str, tuple[str, Iterable[str]]] = {
        "verb_base": ("Verbs in the base form", verbs),
        "verb_ing": ("Verbs in -ing whose base is a token", gerunds),
        "verb_past": ("Past tense, regular and irregular", pasts.keys() | irregular_past),
        "verb_participle": ("Past participles, regular and irregular", pasts.keys() | irregular_participle),
        "verb_past_irregular": ("Irregular past tense", irregular_past),
        "verb_participle_irregular": ("Irregular past participles", irregular_participle),
        "verb_past_only": ("Irregular past tense that is no participle", irregular_past - irregular_participle),
        "verb_participle_only": (
            "Irregular participles that are no past tense",
            irregular_participle - irregular_past - irregular.keys(),
        ),
        "verb_third_person": ("Verbs in the third person singular", third),
        "plural": ("Words in -s whose base is a token and no verb", plural),
        "comparative": ("Words in -er whose base and -est form are tokens, and irregular comparatives", comparative),
        "superlative": ("Words in -est whose base and -er form are tokens, and irregular superlatives", superlative),
        "agent": (
            "Words in -er and -or whose base is a verb",
            (derived("agent", undo("er"), verbs) | derived("agent", undo("or"), verbs)).keys() - comparative,
        ),
        "adverb": ("Adverbs in -ly whose base is a token", derived("adverb", undo("ly"))),
        "ness": ("Nouns in -ness whose base is a token", derived("ness", undo("ness"))),
        "ful_less": (
            "Words in -ful and -less whose base is a token",
            derived("ful_less", undo("ful")) | derived("ful_less", undo("less")),
        ),
        "tion": (
            "Nouns in -ion whose verb is a token",
            derived("tion", undo("ion"), verbs) | derived("tion", undo("ation"), verbs),
        ),
        "ment": ("Nouns in -ment whose base is a token", derived("ment", undo("ment"))),
        "able": ("Adjectives in -able whose base is a token", derived("able", undo("able"))),
        "adjective_ous": ("Adjectives in -ous whose base is a token", derived("adjective_ous", undo("ous"))),
        "noun_ity": ("Nouns in -ity whose base is a token", derived("noun_ity", undo("ity"))),
        "un": ("Words in un- whose base is a token of four or more letters", derived("un", _after("un"), long_bases)),
        "re": ("Words in re- whose base is a verb", derived("re", _after("re"), verbs)),
    }
    for name, (description, words) in families.items():
        yield Candidate(name, description, view.of_words(words))


def undo(ending: str) -> Callable[[str], list[str]]:
    """Possible bases of a word in `ending`: cut off, with -e restored, a doubled consonant undone, -i- back to -y."""

    def bases(word: str) -> list[str]:
        if not word.endswith(ending):
            return []
        rest = word[: -len(ending)]
        doubled = [rest[:-1]] if len(rest) > 3 and rest[-1] == rest[-2] else []
        return [rest, rest + "e", *doubled, *([rest[:-1] + "y"] if rest.endswith("i") else [])]

    return bases


def undo_s(word: str) -> list[str]:
    """Possible bases of a word in -s."""
    if not word.endswith("s") or word.endswith("ss"):
        return []
    return [
        word[:-1],
        *([word[:-2]] if word.endswith(_TAKES_ES) else []),
        *([word[:-3] + "y"] if word.endswith("ies") else []),
    ]


def _after(beginning: str) -> Callable[[str], list[str]]:
    return lambda word: [word.removeprefix(beginning)] if word.startswith(beginning) else []
