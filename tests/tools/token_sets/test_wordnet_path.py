"""Every WordNet set of GPT-2's library, made once more through NLTK's own reader from the rule alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pytest

from tsea.tools.token_sets.builders.wordnet import MAX_SHARE, MIN_LETTERS, MIN_TOKENS, NEAR_IDENTICAL
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.token_sets.view import MIN_BARE_WORD
from tsea.tools.token_sets.word_lists import function_words, word_lists
from tsea.tools.vocabulary import Vocabulary

NOUN, VERB, ADJECTIVE, ADVERB = "nvar"


class Paths(NamedTuple):
    """Ids by the full name of a set: as the library has them, and as NLTK's reader gives them."""

    library: dict[str, list[int]]
    nltk: dict[str, list[int]]


@pytest.fixture(scope="module")
def paths(gpt2: Vocabulary, gpt2_library: TokenSetLibrary) -> Paths:
    named = {name: s.ids.tolist() for s in gpt2_library for name in (s.name, *s.aliases)}
    tokens = tokens_of_words(gpt2)
    first = first_synsets(tokens.keys() - function_words())
    sets = {lexname: ids_of(words, tokens) for lexname, words in by_lexname(first).items()}
    for pos in (NOUN, VERB):
        sets |= concepts(first[pos], tokens, most=MAX_SHARE * len(gpt2))
    return Paths(
        {name: ids for name, ids in named.items() if name.startswith("wordnet.")},
        {f"wordnet.{name}": ids for name, ids in sets.items()},
    )


def tokens_of_words(vocabulary: Vocabulary) -> dict[str, list[int]]:
    """Tokens of every word in lower case: with a space or a capital in front, or long and there with a space too."""
    texts = {token: vocabulary.text[token] for token in vocabulary.ordinary.tolist()}
    spaced = {text.strip(" ") for text in texts.values() if text.startswith(" ")}
    table: dict[str, list[int]] = defaultdict(list)
    for token, text in texts.items():
        word = text.strip(" ")
        if text.startswith(" ") or not word[:1].islower() or (len(word) >= MIN_BARE_WORD and word in spaced):
            table[word.lower()].append(token)
    return {word: tokens for word, tokens in table.items() if word.isalpha()}


def first_synsets(words: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By part of speech: the first synset of each word that has at least half as many there as in its richest one."""
    first: dict[str, dict[str, Any]] = {pos: {} for pos in (NOUN, VERB, ADJECTIVE, ADVERB)}
    listed = {word for topic in word_lists("topics").values() for word in topic}
    for word in words:
        if len(word) >= MIN_LETTERS or word in listed:
            senses = {pos: senses_of_base_form(word, pos) for pos in first}
            most = max(map(len, senses.values()))
            for pos, synsets in senses.items():
                if synsets and 2 * len(synsets) >= most:
                    first[pos][word] = synsets[0]
    return first


def senses_of_base_form(word: str, pos: str) -> list[Any]:
    """Synsets of a word's first base form. `synsets` alone would add those of the other base forms."""
    from nltk.corpus import wordnet

    base = wordnet.morphy(word, pos)
    lemmas: list[Any] = wordnet.lemmas(base, pos) if base else []
    return list(dict.fromkeys(lemma.synset() for lemma in lemmas))


def by_lexname(first: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Words by the lexicographer file of their first synset."""
    words: dict[str, list[str]] = defaultdict(list)
    for synsets in first.values():
        for word, synset in synsets.items():
            words[synset.lexname()].append(word)
    return words


def concepts(first: dict[str, Any], tokens: dict[str, list[int]], most: float) -> dict[str, list[int]]:
    """Tokens of the words whose first synset is a concept or below it, without concepts nearly alike one below."""
    words: dict[Any, list[str]] = defaultdict(list)
    above = {synset: everything_above(synset) for synset in first.values()}
    for word, synset in first.items():
        for concept in above[synset]:
            words[concept].append(word)
    sets = {concept: ids_of(below, tokens) for concept, below in words.items()}
    sets = {concept: ids for concept, ids in sets.items() if MIN_TOKENS <= len(ids) <= most}
    above = {concept: everything_above(concept) for concept in sets}
    kept: list[Any] = []
    # The smallest first; of those with the same tokens, the most special one.
    for concept in sorted(sets, key=lambda c: (len(sets[c]), -len(above[c]), c.offset())):
        below = [other for other in kept if concept in above[other]]
        if not any(jaccard(sets[concept], sets[other]) >= NEAR_IDENTICAL for other in below):
            kept.append(concept)
    return {concept.name(): sets[concept] for concept in kept}


def everything_above(synset: Any) -> set[Any]:
    """A synset and all its hypernyms."""
    return {synset, *synset.closure(lambda s: s.hypernyms() + s.instance_hypernyms())}


def ids_of(words: Iterable[str], tokens: dict[str, list[int]]) -> list[int]:
    return sorted({token for word in words for token in tokens[word]})


def jaccard(one: list[int], other: list[int]) -> float:
    shared = len(np.intersect1d(one, other))
    return shared / (len(one) + len(other) - shared)


def test_nltk_gives_sets_of_the_same_names_and_no_others(paths: Paths) -> None:
    assert {"wordnet.noun.animal", "wordnet.verb.motion", "wordnet.adv.all"} <= paths.nltk.keys()
    assert paths.library.keys() == paths.nltk.keys()


def test_every_set_holds_exactly_the_tokens_that_nltk_finds(paths: Paths) -> None:
    assert {n: ids for n, ids in paths.library.items() if paths.nltk.get(n) != ids} == {}
