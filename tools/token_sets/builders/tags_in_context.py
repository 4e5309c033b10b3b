"""Part of speech by use: the tags that NLTK's tagger gives a word in the sentences of a corpus.

A word may be used in several ways: it belongs to every tag that has a fair share of its uses, so "made" is past tense
and participle. Words that the corpus hardly uses are in no set. The tagger takes "forest" for a superlative: such
uses count only of words that have the form of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..tagged_words import FAIR_SHARE, Uses, tagged_uses, uses_of
from ..view import Candidate, Token, TokenView, to_ids
from ..word_lists import word_lists
from .inflections import undo
from .parts_of_speech import GROUPS, TAGS

MAIN_SHARE = 0.5
# By the beginning of the tag: the ending, and the place among the forms of an irregular word.
_COMPARED = {"JJR": ("er", 1), "RBR": ("er", 1), "JJS": ("est", 2), "RBS": ("est", 2)}
_COMPARABLE = ("JJ", "RB")


def tag_sets(view: TokenView) -> Iterator[Candidate]:
    """Tags of the Penn treebank and groups of them: words with a fair share of such uses, and words mainly so used."""
    uses = tagged_uses()
    words: list[tuple[Token, Counter[str]]] = []
    for token in (token for same in view.by_word.values() for token in same):
        if found := uses_of(token.word, uses):
            words.append((token, Counter({t: n for t, n in found.items() if _has_form(token.word.lower(), t, uses)})))
    kinds = {tag: (f"{tag} ({meaning})", (tag,)) for tag, meaning in TAGS.items()} | GROUPS
    for name, (meaning, tags) in kinds.items():
        shares = [(token, sum(found[tag] for tag in tags) / max(found.total(), 1)) for token, found in words]
        fair, most = ([token for token, share in shares if share >= least] for least in (FAIR_SHARE, MAIN_SHARE))
        yield Candidate(name, f"Words often used as {meaning} in addresses of US presidents", to_ids(fair))
        yield Candidate(f"{name}.mainly", f"Words mainly used as {meaning} in addresses of US presidents", to_ids(most))


def _has_form(word: str, tag: str, uses: Uses) -> bool:
    """A word with a tag of comparison is a listed one, or has the ending after a word used as adjective or adverb."""
    if tag not in _COMPARED:
        return True
    ending, place = _COMPARED[tag]
    listed = (row.split("/")[place] for row in word_lists("comparisons")["irregular"])
    return word in listed or any(
        sum(found[kind] for kind in _COMPARABLE) >= FAIR_SHARE * found.total()
        for base in undo(ending)(word)
        if len(base) > 2 and (found := uses.get(base))
    )
