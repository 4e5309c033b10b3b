"""Sets from tsea's own word lists: closed classes of grammar, subjects, places, and words of source code."""

from __future__ import annotations

from collections.abc import Iterator

from ..view import Candidate, TokenView
from ..word_lists import word_lists


def grammar_sets(view: TokenView) -> Iterator[Candidate]:
    """Closed classes of English: articles, pronouns, auxiliaries, connectives and the like."""
    for name, words in word_lists("grammar").items():
        yield Candidate(name, f"English words of the class {_shown(name)}", view.of_words(words))


def topic_sets(view: TokenView) -> Iterator[Candidate]:
    """Kinds of things, people, actions and fields of life."""
    for name, words in word_lists("topics").items():
        yield Candidate(name, f"English words about {_shown(name)}", view.of_words(words))


def place_sets(view: TokenView) -> Iterator[Candidate]:
    """Names of places, peoples and languages, capitalised."""
    lists = word_lists("places")
    for name, words in lists.items():
        yield Candidate(name, f"Names of the kind {_shown(name)}", view.of_exact_words(words))
    every = [word for words in lists.values() for word in words]
    yield Candidate("any", "Names of places, peoples and languages", view.of_exact_words(every))


def named_sets(view: TokenView) -> Iterator[Candidate]:
    """Names of people, organisations and works by kind, capitalised."""
    for name, words in word_lists("named").items():
        yield Candidate(name, f"Names of the kind {_shown(name)}", view.of_exact_words(words))


def keyword_sets(view: TokenView) -> Iterator[Candidate]:
    """Keywords of programming languages, in their own case."""
    lists = word_lists("keywords")
    for language, words in lists.items():
        yield Candidate(language, f"Keywords of {_shown(language)}", view.of_exact_words(words))
    every = [word for words in lists.values() for word in words]
    yield Candidate("any", "Keywords of any programming language", view.of_exact_words(every))


def code_word_sets(view: TokenView) -> Iterator[Candidate]:
    """Names common in code and markup, by field, in their own case."""
    for name, words in word_lists("code").items():
        yield Candidate(name, f"Names in code: {_shown(name)}", view.of_exact_words(words))


def _shown(name: str) -> str:
    return name.replace("_", " ")
