"""Inflected and derived words whose base is a token too: more exact than a suffix, and no data needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from ..view import Candidate, TokenView
from ..word_lists import function_words, word_lists

_HAS_VOWEL = re.compile("[aeiouy]")


def inflection_sets(view: TokenView) -> Iterator[Candidate]:
    """Verb forms (regular and irregular), plurals, comparison, and common derivations."""
    words = {word for word in view.by_word if word.isalpha() and len(word) >= 3 and _HAS_VOWEL.search(word)}
    bases = words - function_words()
    irregular = word_lists("irregular_verbs")  # base -> (past, participle)

    def derived(undo: Callable[[str], Iterable[str]], among: set[str] = bases) -> dict[str, str]:
        return {word: base for word in view.by_word for base in undo(word) if base in among and base != word}

    gerunds = derived(undo("ing"))
    pasts = derived(undo("ed"))
    verbs = set(gerunds.values()) | (words & irregular.keys())
    third = derived(undo_s, verbs)
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
        "plural": ("Words in -s whose base is a token and no verb", derived(undo_s, bases - verbs)),
        "comparative": ("Words in -er whose -est form is a token", {stem + "er" for stem in _compared(bases)}),
        "superlative": ("Words in -est whose -er form is a token", {stem + "est" for stem in _compared(bases)}),
        "agent": ("Words in -er and -or whose base is a verb", derived(undo("er"), verbs) | derived(undo("or"), verbs)),
        "adverb": ("Words in -ly whose base is a token", derived(undo("ly"))),
        "ness": ("Words in -ness whose base is a token", derived(undo("ness"))),
        "ful_less": ("Words in -ful and -less whose base is a token", derived(undo("ful")) | derived(undo("less"))),
        "tion": ("Words in -tion whose verb is a token", derived(undo("ion"), verbs) | derived(undo("ation"), verbs)),
        "ment": ("Words in -ment whose base is a token", derived(undo("ment"))),
        "able": ("Words in -able whose base is a token", derived(undo("able"))),
        "adjective_ous": ("Words in -ous whose base is a token", derived(undo("ous"))),
        "noun_ity": ("Words in -ity whose base is a token", derived(undo("ity"))),
        "un": ("Words in un- whose base is a token", derived(lambda word: [word[2:]] if word.startswith("un") else [])),
        "re": (
            "Words in re- whose base is a verb",
            derived(lambda word: [word[2:]] if word.startswith("re") else [], verbs),
        ),
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
        *([word[:-2]] if word.endswith("es") else []),
        *([word[:-3] + "y"] if word.endswith("ies") else []),
    ]


def _compared(bases: set[str]) -> set[str]:
    """What stays when -er and -est are cut off words that the vocabulary holds in both forms."""
    stems = {word[:-2] for word in bases if word.endswith("er")}
    return {word[:-3] for word in bases if word.endswith("est") and len(word) > 5 and word[:-3] in stems}
