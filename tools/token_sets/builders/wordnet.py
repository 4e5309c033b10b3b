"""Words by meaning: WordNet's lexicographer files, and everything below a concept.

A word counts in its first sense of a part of speech only, and only where it has at least half as many senses as in
its richest part of speech: with all senses nearly every common word is in nearly every large set. As noun and as verb
it counts only where a fair share of its uses in tagged text are such, if it is used there at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from ..tagged_words import FAIR_SHARE, tagged_uses, uses_of
from ..view import Candidate, Token, TokenView, to_ids
from ..wndb import PARTS, Pos, WordNet, wordnet
from ..word_lists import function_words, word_lists

MIN_TOKENS = 30
MAX_SHARE = 0.05  # of the vocabulary
MIN_LETTERS = 4
NEAR_IDENTICAL = 0.7  # Jaccard index of a concept with one below it
# Tags by the part of speech that they show, of the two that have concepts.
_TAGS: dict[Pos, tuple[str, ...]] = {
    "noun": ("NN", "NNS", "NNP", "NNPS", "CD"),
    "verb": ("VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "MD"),
}


def wordnet_sets(view: TokenView) -> Iterator[Candidate]:
    """Lexicographer files (noun.animal, verb.motion), then concepts with all their hyponyms (dog.n.01)."""
    net = wordnet()
    senses = _first_senses(view, net)
    yield from _lexnames(net, senses)
    for pos in _TAGS:
        yield from _concepts(view, net, pos, senses[pos])


def _lexnames(net: WordNet, senses: dict[Pos, dict[Token, int]]) -> Iterator[Candidate]:
    tokens: dict[str, list[Token]] = defaultdict(list)
    for pos in PARTS:
        for token, offset in senses[pos].items():
            tokens[net.synset(offset, pos).lexname].append(token)
    for lexname in sorted(tokens):
        part = lexname.partition(".")[0]
        description = f"Words whose first sense as {part} is in WordNet's file {lexname}"
        yield Candidate(lexname, description, to_ids(tokens[lexname]))


def _concepts(view: TokenView, net: WordNet, pos: Pos, senses: dict[Token, int]) -> Iterator[Candidate]:
    tokens: dict[int, list[Token]] = defaultdict(list)
    for token, offset in senses.items():
        for ancestor in net.ancestors(offset, pos):
            tokens[ancestor].append(token)
    every = {offset: to_ids(below) for offset, below in tokens.items()}
    sets = {offset: ids for offset, ids in every.items() if MIN_TOKENS <= len(ids) <= MAX_SHARE * view.size}
    for offset in _distinct(sets, net, pos):
        gloss = net.synset(offset, pos).gloss.partition(";")[0]
        yield Candidate(net.name(offset, pos), f"Kinds of {net.name(offset, pos)}: {gloss}", sets[offset])


def _first_senses(view: TokenView, net: WordNet) -> dict[Pos, dict[Token, int]]:
    """For each part of speech, the first sense of every token whose word is mainly of it."""
    first: dict[Pos, dict[Token, int]] = {pos: {} for pos in PARTS}
    # Most shorter tokens are pieces or abbreviations; those in the lists of topics are words.
    listed = {word for words in word_lists("topics").values() for word in words}
    for word in view.by_word.keys() - function_words():
        if not word.isalpha() or (len(word) < MIN_LETTERS and word not in listed):
            continue
        for token in view.by_word[word]:
            senses: dict[Pos, tuple[int, ...]] = {pos: net.senses(token.word, pos) for pos in PARTS}
            most = max(map(len, senses.values()))
            for pos, offsets in senses.items():
                if offsets and len(offsets) >= most / 2 and _used_as(token.word, pos):
                    first[pos][token] = offsets[0]
    return first


def _used_as(word: str, pos: Pos) -> bool:
    """Whether a fair share of a word's uses are of a part of speech; true where nothing speaks against it."""
    found = uses_of(word, tagged_uses()) if pos in _TAGS else None
    return found is None or sum(found[tag] for tag in _TAGS[pos]) >= FAIR_SHARE * found.total()


def _distinct(sets: dict[int, np.ndarray], net: WordNet, pos: Pos) -> list[int]:
    """The concepts that are not nearly the same set as a kept one below them, smallest first."""
    kept: dict[int, list[int]] = defaultdict(list)  # concept -> kept concepts below it
    chosen: list[int] = []
    for offset in sorted(sets, key=lambda offset: (len(sets[offset]), -len(net.ancestors(offset, pos)), offset)):
        size = len(sets[offset])
        # Below a concept the sets are subsets of it, so the Jaccard index is the ratio of the sizes.
        if all(len(sets[below]) < NEAR_IDENTICAL * size for below in kept[offset]):
            chosen.append(offset)
            for ancestor in net.ancestors(offset, pos) & sets.keys():
                kept[ancestor].append(offset)
    return chosen
