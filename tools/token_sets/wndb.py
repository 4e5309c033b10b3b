"""Reading WordNet's database files (WNDB format, as in NLTK's data), straight from the archive and quickly.

Format: wordnet.princeton.edu/documentation/wndb5wn. Synsets are read where an index line points, so that only those
of the vocabulary's words cost time.
"""

from __future__ import annotations

import functools
from typing import Literal, NamedTuple

from .nltk_files import read_bytes, read_text

Pos = Literal["noun", "verb", "adj", "adv"]
PARTS: tuple[Pos, ...] = ("noun", "verb", "adj", "adv")
_LETTER: dict[Pos, str] = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
# Endings that WordNet's morphology (morphy) takes off, and what it puts in their place.
_DETACH: dict[Pos, tuple[str, ...]] = {
    "noun": ("s:", "ses:s", "ves:f", "xes:x", "zes:z", "ches:ch", "shes:sh", "men:man", "ies:y"),
    "verb": ("s:", "ies:y", "es:e", "es:", "ed:e", "ed:", "ing:e", "ing:"),
    "adj": ("er:", "est:", "er:e", "est:e"),
    "adv": (),
}


class Synset(NamedTuple):
    """One meaning: its lexicographer file, its words, the offsets of its hypernyms, and its gloss.

    What a named instance is an instance of is no hypernym here: London is a city, but no kind of city.
    """

    lexname: str
    words: tuple[str, ...]
    hypernyms: tuple[int, ...]
    gloss: str


class WordNet:
    """The database; raises MissingData when it is not there."""

    def __init__(self) -> None:
        self._lexnames = [line.split("\t")[1] for line in read_text("corpora/wordnet/lexnames").splitlines()]
        self._index = {pos: _index(pos) for pos in PARTS}
        self._data = {pos: read_bytes(f"corpora/wordnet/data.{pos}") for pos in PARTS}
        self._exceptions = {pos: _exceptions(pos) for pos in PARTS}

    def common_words(self, least: int) -> set[str]:
        """Single words of `least` letters or more that it writes in lower case in their first sense."""
        return {
            lemma
            for pos in PARTS
            for lemma, offsets in self._index[pos].items()
            if len(lemma) >= least and lemma.isalpha() and lemma in self._plain_words(offsets[0], pos)
        }

    def _plain_words(self, offset: int, pos: Pos) -> list[str]:
        return [word.partition("(")[0] for word in self.synset(offset, pos).words]

    def offsets(self, lemma: str, pos: Pos) -> tuple[int, ...]:
        """Offsets of a lemma's synsets, in the order of its senses."""
        return self._index[pos].get(lemma, ())

    def lemmas(self, word: str, pos: Pos) -> list[str]:
        """The base forms of a lower-case word that the database has, the word itself first (morphy)."""
        forms = self._exceptions[pos].get(word)
        if forms is None:
            rules = (rule.split(":") for rule in _DETACH[pos])
            forms = [word[: -len(ending)] + new for ending, new in rules if word.endswith(ending)]
        return [form for form in dict.fromkeys([word, *forms]) if form in self._index[pos]]

    def senses(self, word: str, pos: Pos) -> tuple[int, ...]:
        """Offsets of the senses, in order, of a word's first base form that may be written as the word is.

        A lemma's capitals must be capitals of the word: "teach" is not the pirate Teach. A capitalised lemma among
        others in lower case is slang (Elvis, of a drug) and counts for nothing, unless it is an abbreviation.
        """
        lemma = next(iter(self.lemmas(word.lower(), pos)), "")
        return tuple(offset for offset in self.offsets(lemma, pos) if self._may_be(word, lemma, offset, pos))

    def _may_be(self, word: str, lemma: str, offset: int, pos: Pos) -> bool:
        words = self._plain_words(offset, pos)
        spellings = (other for other in words if other.lower() == lemma)  # Earth and earth
        return any(_fits(written, word, in_lower_case=words[0].islower()) for written in spellings)

    @functools.cache  # noqa: B019 (one database is read per build)
    def synset(self, offset: int, pos: Pos) -> Synset:
        """The synset at an offset."""
        data = self._data[pos]
        line, _, gloss = data[offset : data.index(b"\n", offset)].decode().partition(" | ")
        fields = line.split()
        count = int(fields[3], 16)
        words = tuple(fields[4 : 4 + 2 * count : 2])
        first = 5 + 2 * count
        pointers = range(first, first + 4 * int(fields[first - 1]), 4)
        hypernyms = tuple(int(fields[at + 1]) for at in pointers if fields[at] == "@")
        return Synset(self._lexnames[int(fields[1])], words, hypernyms, gloss.strip())

    def ancestors(self, offset: int, pos: Pos) -> set[int]:
        """The synset and all its hypernyms, however far up."""
        found: set[int] = set()
        queue = [offset]
        while queue:
            current = queue.pop()
            if current not in found:
                found.add(current)
                queue.extend(self.synset(current, pos).hypernyms)
        return found

    def name(self, offset: int, pos: Pos) -> str:
        """NLTK's name of a synset: first word, part of speech, number of the sense, as in dog.n.01."""
        word = self.synset(offset, pos).words[0].partition("(")[0].lower()
        senses = self.offsets(word, pos)
        return f"{word}.{_LETTER[pos]}.{senses.index(offset) + 1:02d}"


@functools.lru_cache(maxsize=1)
def wordnet() -> WordNet:
    """NLTK's WordNet, read once for all families of a build; raises MissingData."""
    return WordNet()


def _fits(written: str, word: str, in_lower_case: bool) -> bool:
    if written.islower():
        return True
    pairs = zip(written, word, strict=False)  # inflected words are longer or shorter
    formal = written.isupper() or not in_lower_case
    return formal and all(letter.isupper() for capital, letter in pairs if capital.isupper())


def _index(pos: Pos) -> dict[str, tuple[int, ...]]:
    table: dict[str, tuple[int, ...]] = {}
    for line in read_text(f"corpora/wordnet/index.{pos}").splitlines():
        if line and not line.startswith(" "):
            fields = line.split()
            table[fields[0]] = tuple(int(offset) for offset in fields[len(fields) - int(fields[2]) :])
    return table


def _exceptions(pos: Pos) -> dict[str, list[str]]:
    lines = (line.split() for line in read_text(f"corpora/wordnet/{pos}.exc").splitlines())
    return {fields[0]: fields[1:] for fields in lines if fields}
