"""Building the library of a vocabulary: the families in order, what was skipped, and a command that writes it.

python -m tsea.tools.token_sets.build --tokenizer FOLDER --out FILE.gmt [--shippable]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..errors import TseaError, UsageError, nearest
from ..progress import Progress, silent
from ..vocabulary import Vocabulary
from .builders import (
    affixes,
    code,
    inflections,
    lexicons,
    listed,
    numbers,
    parts_of_speech,
    published,
    scripts,
    shapes,
    symbols,
    tags_in_context,
    wordnet,
)
from .gmt import write_gmt
from .library import TokenSet, TokenSetLibrary
from .nltk_files import MissingData
from .sources import (
    NAMES,
    OPINION,
    RULES,
    SOURCES,
    STOPWORDS,
    TAGGED,
    TAGGER,
    VADER,
    VOCABULARY,
    WORDNET,
    WORDS,
    Source,
)
from .view import Candidate, TokenView


class Family(NamedTuple):
    """A family of sets: the function that proposes them and the source they are made from."""

    build: Callable[[TokenView], Iterator[Candidate]]
    source: Source


# Of sets with the same members, the family that comes first names it.
FAMILIES: dict[str, Family] = {
    "regex": Family(published.regex_sets, RULES),
    "pos": Family(parts_of_speech.pos_sets, TAGGER),
    "tag": Family(tags_in_context.tag_sets, TAGGED),
    "grammar": Family(listed.grammar_sets, RULES),
    "topic": Family(listed.topic_sets, RULES),
    "place": Family(listed.place_sets, RULES),
    "named": Family(listed.named_sets, RULES),
    "names": Family(lexicons.name_sets, NAMES),
    "inflection": Family(inflections.inflection_sets, RULES),
    "wordnet": Family(wordnet.wordnet_sets, WORDNET),
    "opinion": Family(lexicons.opinion_sets, OPINION),
    "valence": Family(lexicons.valence_sets, VADER),
    "stopword": Family(lexicons.stopword_sets, STOPWORDS),
    "dictionary": Family(lexicons.dictionary_sets, WORDS),
    "digit": Family(numbers.digit_sets, RULES),
    "year": Family(numbers.year_sets, RULES),
    "punctuation": Family(symbols.punctuation_sets, RULES),
    "bracket": Family(symbols.bracket_sets, RULES),
    "quote": Family(symbols.quote_sets, RULES),
    "operator": Family(symbols.operator_sets, RULES),
    "whitespace": Family(symbols.whitespace_sets, RULES),
    "keyword": Family(listed.keyword_sets, RULES),
    "code": Family(listed.code_word_sets, RULES),
    "code_style": Family(code.code_style_sets, RULES),
    "script": Family(scripts.script_sets, RULES),
    "shape": Family(shapes.shape_sets, RULES),
    "piece": Family(shapes.piece_sets, RULES),
    "contraction": Family(affixes.contraction_sets, RULES),
    "suffix": Family(affixes.suffix_sets, RULES),
    "prefix": Family(affixes.prefix_sets, RULES),
    "letter": Family(affixes.letter_sets, RULES),
    "length": Family(shapes.length_sets, RULES),
    "rank": Family(shapes.rank_sets, VOCABULARY),
}


def build_library(
    vocabulary: Vocabulary, families: Iterable[str] | None = None, progress: Progress = silent
) -> tuple[TokenSetLibrary, list[str]]:
    """The library of a vocabulary, of all families or those named, and one line per family that lacks its data.

    Sets without a token are left out; those too small or too large to be tested are kept (`TokenSetLibrary.testable`).
    Raises UsageError for an unknown family.
    """
    chosen = list(FAMILIES if families is None else families)
    for name in chosen:
        if name not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise UsageError(f"No family of token sets {name!r}.{nearest(name, FAMILIES)} Families: {known}.")
    view = TokenView(vocabulary)
    sets: list[TokenSet] = []
    skipped: list[str] = []
    for number, name in enumerate(chosen):
        progress("families of token sets built", number, len(chosen))
        missing = FAMILIES[name].source.missing()
        try:
            sets += [] if missing else _family_sets(name, view)
        except MissingData as error:  # there, but incomplete or damaged
            missing = str(error)
        if missing:
            skipped.append(f"{name}: {missing}")
    progress("families of token sets built", len(chosen), len(chosen))
    # Of built sets with the same tokens one is given, as from a file or the cache; the others are its aliases.
    return TokenSetLibrary(TokenSetLibrary(sets, vocabulary.hash), vocabulary.hash, skipped), skipped


def lacking_families() -> dict[str, str]:
    """The families whose data are not here, in order, with what is missing and how to get it."""
    found = {name: family.source.missing() for name, family in FAMILIES.items()}
    return {name: missing for name, missing in found.items() if missing}


def _family_sets(name: str, view: TokenView) -> list[TokenSet]:
    source = FAMILIES[name].source
    return [
        TokenSet(f"{name}.{candidate.name}", name, candidate.description, candidate.ids, source.name, source.licence)
        for candidate in FAMILIES[name].build(view)
        if len(candidate.ids)
    ]


def shippable(library: TokenSetLibrary) -> TokenSetLibrary:
    """The sets whose source may be redistributed inside the package."""
    return TokenSetLibrary((s for s in library if SOURCES[s.source].shippable), library.vocabulary_hash)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the library of a saved tokenizer and write it as GMT; returns the exit code."""
    parser = argparse.ArgumentParser(description="Build the token set library of a tokenizer.")
    parser.add_argument("--tokenizer", type=Path, required=True, help="folder with tokenizer.json or vocab.json")
    parser.add_argument("--out", type=Path, required=True, help="GMT file to write; provenance goes to FILE.gmt.json")
    parser.add_argument("--families", nargs="+", help=f"default: all of {', '.join(FAMILIES)}")
    parser.add_argument("--shippable", action="store_true", help="only sources that may be redistributed")
    options = parser.parse_args(arguments)
    try:
        vocabulary = Vocabulary.load(options.tokenizer)
        library, skipped = build_library(vocabulary, options.families)
        library = shippable(library) if options.shippable else library
        write_gmt(library, vocabulary, options.out)
    except TseaError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    for line in skipped:
        print(f"skipped {line}")
    print(f"{len(library)} sets of {len(library.families)} families in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
