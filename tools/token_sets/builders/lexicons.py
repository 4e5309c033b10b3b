"""Sets from NLTK's word lists: names, sentiment, stop words, dictionary words."""

from __future__ import annotations

from collections.abc import Iterator

from ..nltk_files import read_text, read_words
from ..tagged_words import tagged_uses
from ..view import MIN_BARE_WORD, Candidate, Token, TokenView, to_ids
from ..wndb import wordnet
from ..word_lists import word_lists
from .inflections import undo, undo_s

_UNDO = (undo_s, *map(undo, ("ed", "ing", "er", "est", "ly", "ness")))
_FEW_USES = 3
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
        yield Candidate(name, f"{description}, many of them common words too", view.of_exact_words(names))


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
    """Words that are English, and pieces that are not.

    English are the words of a word list and of WordNet, their regular forms, listed irregular forms, and what the
    tagged corpora use a few times in lower case.
    """
    known = _known_words()
    alone = {token.word for token in view.letters if token.spaced}

    def is_word(token: Token) -> bool:
        # The list has odd words ("abama"); one that never stands alone is a piece here.
        return _is_word(token.word, known) and (len(token.word) < MIN_BARE_WORD or token.word in alone)

    lower = [(token, is_word(token)) for token in view.letters if token.word.islower()]
    yield Candidate(
        "whole", "Lower-case English words with leading space", to_ids(t for t, word in lower if word and t.spaced)
    )
    yield Candidate(
        "fragment",
        "Lower-case beginnings of words: leading space and no English word",
        to_ids(t for t, word in lower if not word and t.spaced),
    )
    yield Candidate(
        "bare_whole",
        "English words of four or more letters without leading space, of which there is a token with one too",
        to_ids(t for t, word in lower if word and not t.spaced and len(t.word) >= MIN_BARE_WORD),
    )
    yield Candidate(
        "bare_fragment",
        "Pieces without leading space that are no English word",
        to_ids(t for t, word in lower if not word and not t.spaced),
    )
    proper = (t for t in view.letters if t.word.istitle() and len(t.word) > 1 and not _is_word(t.word.lower(), known))
    yield Candidate(
        "capitalised_unknown", "Capitalised and no English word: names and their beginnings", to_ids(proper)
    )
    basic = read_words("corpora/words/en-basic", comment="#")
    yield Candidate("basic", "The 850 words of Basic English", view.of_words(basic))


def _known_words() -> set[str]:
    listed = {word.lower() for word in read_words("corpora/words/en", comment="#") if len(word) > 1}
    seen = {word for word, found in tagged_uses().items() if word.islower() and found.total() >= _FEW_USES}
    irregular = {
        form
        for file in ("irregular_verbs", "irregular_plurals", "comparisons")
        for rows in word_lists(file).values()
        for row in rows
        for form in row.split("/")
    }
    return listed | seen | irregular | wordnet().common_words(MIN_BARE_WORD) | {"a", "i", "o"}


def _is_word(word: str, known: set[str]) -> bool:
    """Whether a word, or a base form of it, is known."""
    return word in known or any(base in known for bases in _UNDO for base in bases(word) if len(base) > 2)
