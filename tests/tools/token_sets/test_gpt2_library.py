"""The library on the real GPT-2 vocabulary: published sizes, breadth, and meanings checked by another path."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.token_sets.view import TokenView
from tsea.tools.token_sets.wndb import PARTS, WordNet
from tsea.tools.token_sets.word_lists import function_words
from tsea.tools.vocabulary import Vocabulary


def test_the_nine_published_sizes_come_out_exactly(gpt2_library: TokenSetLibrary, shared: Path) -> None:
    published = json.loads((shared / "gpt2" / "published_set_sizes.json").read_text())["sets"]
    names = {name: f"pos.{about['pos']}" if "pos" in about else f"regex.{name}" for name, about in published.items()}
    assert len(names) == 9
    assert {name: len(gpt2_library[ours]) for name, ours in names.items()} == {
        n: a["size"] for n, a in published.items()
    }


def test_the_library_is_broad_and_every_set_has_a_source(gpt2: Vocabulary, gpt2_library: TokenSetLibrary) -> None:
    universe = np.array(sorted(set(range(len(gpt2))) - gpt2.special))
    testable = gpt2_library.testable(universe, least=15)
    assert len(testable) >= 1500
    assert len(testable.families) >= 20
    assert all(token_set.source and token_set.licence for token_set in testable)


def test_overlapping_sets_come_out_as_overlapping(gpt2_library: TokenSetLibrary) -> None:
    past, participle = (set(gpt2_library[f"inflection.{n}"].ids.tolist()) for n in ("verb_past", "verb_participle"))
    assert len(past & participle) / len(past | participle) > 0.7
    caps, capital = (set(gpt2_library[f"regex.{n}"].ids.tolist()) for n in ("all_caps", "starts_with_capital"))
    assert caps < capital


@pytest.fixture(scope="module")
def net(nltk_data: Path) -> WordNet:
    return WordNet()


def test_senses_and_files_of_words_are_those_that_nltk_reads(gpt2: Vocabulary, net: WordNet) -> None:
    from nltk.corpus import wordnet

    words = sorted({text.strip().lower() for text in gpt2.text if text.strip().isalpha() and text.isascii()})
    for word in random.Random(0).sample(words, 400):
        for pos, letter in zip(PARTS, "nvar", strict=True):
            theirs: list[Any] = wordnet.synsets(word, letter)
            # NLTK lists the senses of all base forms, ours those of the first.
            ours = net.senses(word, pos)
            assert [synset.offset() for synset in theirs[: len(ours)]] == list(ours), (word, pos)
            assert bool(theirs) == bool(ours), (word, pos)
            if ours:
                assert net.synset(ours[0], pos).lexname == theirs[0].lexname()


def test_concepts_hold_exactly_the_words_whose_first_sense_nltk_finds_below_them(
    gpt2: Vocabulary, gpt2_library: TokenSetLibrary
) -> None:
    from nltk.corpus import wordnet

    view = TokenView(gpt2)
    concepts = [s for s in gpt2_library if s.family == "wordnet" and ".n." in s.name]
    for concept in random.Random(1).sample(concepts, 12):
        synset: Any = wordnet.synset(concept.name.removeprefix("wordnet."))
        below = {synset, *synset.closure(lambda s: s.hyponyms() + s.instance_hyponyms())}
        words = {gpt2.text[token].strip().lower() for token in concept.ids}
        assert all(wordnet.synsets(word, "n")[0] in below for word in words), concept.name

        members: list[Any] = list(below)
        lemmas = {lemma.lower() for s in members for lemma in s.lemma_names()} - function_words()
        for word in lemmas & view.by_word.keys():
            synsets: list[Any] = wordnet.synsets(word, "n")
            nouns = [s for s in synsets if word in map(str.lower, s.lemma_names())]
            others = max(len(wordnet.synsets(word, pos)) for pos in "var")
            if word.isalpha() and len(word) > 3 and nouns[0] in below and 2 * len(nouns) >= others:
                assert word in words, (concept.name, word)
