"""Every WordNet set of GPT-2's library, made once more through NLTK's own reader from the rule alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pytest

from tsea.tools.token_sets.builders.wordnet import MAX_SHARE, MIN_LETTERS, MIN_TOKENS, NEAR_IDENTICAL
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.token_sets.tagged_words import tagged_uses
from tsea.tools.token_sets.view import MIN_BARE_WORD
from tsea.tools.token_sets.word_lists import function_words, word_lists
from tsea.tools.vocabulary import Vocabulary

pytestmark = pytest.mark.large
NOUN, VERB, ADJECTIVE, ADVERB = "nvar"


class Paths(NamedTuple):
    """Ids by the full name of a set: as the library has them, and as NLTK's reader gives them."""

    library: dict[str, list[int]]
    nltk: dict[str, list[int]]


@pytest.fixture(scope="module")
def paths(gpt2: Vocabulary, gpt2_library: TokenSetLibrary) -> Paths:
    named = {name: s.ids.tolist() for s in gpt2_library for name in (s.name, *s.aliases)}
    tokens = tokens_of_words(gpt2)
    first = first_synsets(word for word in tokens if word.lower() not in function_words())
    sets = {lexname: ids_of(words, tokens) for lexname, words in by_lexname(first).items()}
    for pos in (NOUN, VERB):
        sets |= concepts(first[pos], tokens, most=MAX_SHARE * len(gpt2))
    return Paths(
        {name: ids for name, ids in named.items() if name.startswith("wordnet.")},
        {f"wordnet.{name}": ids for name, ids in sets.items()},
    )


def tokens_of_words(vocabulary: Vocabulary) -> dict[str, list[int]]:
    """Tokens of every word as written: with a space or a capital in front, or long and there with a space too."""
    texts = {token: vocabulary.text[token] for token in vocabulary.ordinary.tolist()}
    spaced = {text.strip(" ") for text in texts.values() if text.startswith(" ")}
    table: dict[str, list[int]] = defaultdict(list)
    for token, text in texts.items():
        word = text.strip(" ")
        if text.startswith(" ") or not word[:1].islower() or (len(word) >= MIN_BARE_WORD and word in spaced):
            table[word].append(token)
    return {word: tokens for word, tokens in table.items() if word.isalpha()}


def first_synsets(words: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By part of speech: the first synset of each word that has at least half as many there as in its richest one."""
    first: dict[str, dict[str, Any]] = {pos: {} for pos in (NOUN, VERB, ADJECTIVE, ADVERB)}
    listed = {word for topic in word_lists("topics").values() for word in topic}
    for word in words:
        if len(word) >= MIN_LETTERS or word.lower() in listed:
            senses = {pos: senses_of_base_form(word, pos) for pos in first}
            most = max(map(len, senses.values()))
            for pos, synsets in senses.items():
                if synsets and 2 * len(synsets) >= most and not seldom(word, pos):
                    first[pos][word] = synsets[0]
    return first


def senses_of_base_form(word: str, pos: str) -> list[Any]:
    """Synsets of a word's first base form, as the word is written. `synsets` would add those of other base forms."""
    from nltk.corpus import wordnet

    base = wordnet.morphy(word.lower(), pos)
    lemmas: list[Any] = wordnet.lemmas(base, pos) if base else []
    return list(dict.fromkeys(lemma.synset() for lemma in lemmas if may_be(lemma, word)))


def may_be(lemma: Any, word: str) -> bool:
    """All of a lemma's capitals are in the word, and no common noun stands first in its synset, unless it is DNA."""
    name = lemma.name()
    if name == name.lower():
        return True
    headword = lemma.synset().lemma_names()[0]
    in_place = [at for at, letter in enumerate(name[: len(word)]) if letter != letter.lower()]
    return (name == name.upper() or headword != headword.lower()) and all(
        word[at] != word[at].lower() for at in in_place
    )


def seldom(word: str, pos: str) -> bool:
    """A noun or verb by WordNet that five or more uses in tagged text show to be one less than once in five times."""
    found = tagged_uses().get(word, {})
    if sum(found.values()) < 5:
        found = tagged_uses().get(word.lower(), {})
    begins = {NOUN: ("NN", "CD"), VERB: ("VB", "MD")}.get(pos)
    if begins is None or sum(found.values()) < 5:
        return False
    return 5 * sum(count for tag, count in found.items() if tag.startswith(begins)) < sum(found.values())


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
    """A synset and all that it is a kind of; what an instance is an instance of is not among them."""
    return {synset, *synset.closure(lambda s: s.hypernyms())}


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


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("drug.n.01", {" Elvis"}),  # slang
        ("criminal.n.01", {" teach", " Teach", " Oswald"}),  # pirates and murderers are instances
        ("noun.person", {" teach", " adam", " voluntary", " beloved"}),
        ("noun.location", {" tours", " queens"}),
        ("verb.communication", {" question", " March"}),  # by use a noun and a month
    ],
)
def test_names_slang_and_rare_parts_of_speech_are_in_no_set(
    name: str, texts: set[str], gpt2: Vocabulary, gpt2_library: TokenSetLibrary
) -> None:
    assert not texts & {gpt2.text[token] for token in gpt2_library[f"wordnet.{name}"].ids.tolist()}


def test_names_stay_where_wordnet_files_them(gpt2: Vocabulary, gpt2_library: TokenSetLibrary) -> None:
    locations = {gpt2.text[token] for token in gpt2_library["wordnet.noun.location"].ids.tolist()}
    assert {" London", " Paris", " Canada"} <= locations
