"""Sets from NLTK's word lists: names, sentiment, stop words, dictionary words."""

from __future__ import annotations

from collections.abc import Iterator

from ..nltk_files import read_text, read_words
from ..view import Candidate, TokenView, to_ids
from .inflections import undo, undo_s

_UNDO = (undo_s, *map(undo, ("ed", "ing", "er", "est", "ly", "ness")))
_STRONG = 2.5  # VADER valence runs from -4 to 4
_LANGUAGES = (
    "english",
    "french",
    "german",
    "spanish",
    "italian",
    "portuguese",
    "dutch",
    "russian",
    "swedish",
    "arabic",
)


def name_sets(view: TokenView) -> Iterator[Candidate]:
    """First names, capitalised, by the sex that NLTK's list gives them."""
    female = set(read_words("corpora/names/female.txt"))
    male = set(read_words("corpora/names/male.txt"))
    kinds = {
        "female": ("Girls' and women's names", female),
        "male": ("Boys' and men's names", male),
        "female_only": ("Names of women and not of men", female - male),
        "male_only": ("Names of men and not of women", male - female),
        "both": ("Names of women and men alike", female & male),
        "any": ("First names", female | male),
    }
    for name, (description, names) in kinds.items():
        yield Candidate(name, description, view.of_exact_words(names))


def opinion_sets(view: TokenView) -> Iterator[Candidate]:
    """Words of praise and of blame from the Opinion Lexicon."""
    for side in ("positive", "negative"):
        words = read_words(f"corpora/opinion_lexicon/{side}-words.txt")
        yield Candidate(side, f"Words of {side} opinion", view.of_words(words))


def valence_sets(view: TokenView) -> Iterator[Candidate]:
    """Words by the valence that VADER's raters gave them."""
    lines = (line.split("\t") for line in read_text("sentiment/vader_lexicon/vader_lexicon.txt").splitlines())
    valence = {fields[0]: float(fields[1]) for fields in lines if len(fields) > 1 and fields[0].isalpha()}
    bands = {
        "positive": ("Words of positive valence", 0, 9),
        "negative": ("Words of negative valence", -9, 0),
        "strongly_positive": ("Words of strongly positive valence", _STRONG, 9),
        "strongly_negative": ("Words of strongly negative valence", -9, -_STRONG),
    }
    for name, (description, low, high) in bands.items():
        words = (word for word, value in valence.items() if low < value < high)
        yield Candidate(name, f"{description} (VADER)", view.of_words(words))


def stopword_sets(view: TokenView) -> Iterator[Candidate]:
    """Stop words of English and of other languages."""
    for language in _LANGUAGES:
        words = read_words(f"corpora/stopwords/{language}")
        yield Candidate(language, f"Stop words of {language.title()}", view.of_words(words))


def dictionary_sets(view: TokenView) -> Iterator[Candidate]:
    """Words that an English word list holds, and pieces that it does not."""
    known = {word.lower() for word in read_words("corpora/words/en", comment="#")}
    basic = read_words("corpora/words/en-basic", comment="#")
    lower = [(token, _is_word(token.word, known)) for token in view.letters if token.word.islower()]
    yield Candidate(
        "whole", "Lower-case dictionary words with leading space", to_ids(t for t, word in lower if word and t.spaced)
    )
    yield Candidate(
        "fragment",
        "Lower-case beginnings of words: leading space and in no dictionary",
        to_ids(t for t, word in lower if not word and t.spaced),
    )
    yield Candidate(
        "bare_whole",
        "Dictionary words of four or more letters without leading space",
        to_ids(t for t, word in lower if word and not t.spaced and len(t.word) >= 4),
    )
    yield Candidate(
        "bare_fragment",
        "Pieces without leading space and in no dictionary",
        to_ids(t for t, word in lower if not word and not t.spaced),
    )
    proper = (t for t in view.letters if t.word.istitle() and len(t.word) > 1 and not _is_word(t.word.lower(), known))
    yield Candidate(
        "capitalised_unknown", "Capitalised and in no dictionary: names and their beginnings", to_ids(proper)
    )
    yield Candidate("basic", "The 850 words of Basic English", view.of_words(basic))


def _is_word(word: str, known: set[str]) -> bool:
    """Whether a word, or a base form of it, is in the dictionary."""
    return word in known or any(base in known for bases in _UNDO for base in bases(word) if len(base) > 2)
