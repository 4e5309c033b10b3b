from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tsea.tools.token_sets import tagged_words
from tsea.tools.token_sets.builders import tags_in_context
from tsea.tools.token_sets.compare import overlaps
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.token_sets.view import TokenView
from tsea.tools.vocabulary import Vocabulary


def test_a_word_belongs_to_every_tag_with_a_fair_share_of_its_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = (" made", " Made", " ran", " rare", " May", " may", "thing")
    uses = {
        "made": Counter(VBN=8, VBD=2),
        "ran": Counter(VBD=9, VBN=1),
        "rare": Counter(JJ=4),  # too few
        "May": Counter(NNP=9, MD=1),
        "may": Counter(MD=50),
    }
    monkeypatch.setattr(tags_in_context, "tagged_uses", lambda: uses)
    sets = {s.name: s.ids.tolist() for s in tags_in_context.tag_sets(TokenView(Vocabulary(texts, texts, frozenset())))}
    assert sets["VBD"] == [0, 1, 2] and sets["VBD.mainly"] == [2]
    assert sets["VBN"] == [0, 1] and sets["VBN.mainly"] == [0, 1]
    assert sets["past"] == [0, 1, 2]
    assert sets["NNP"] == [4] and sets["MD"] == [5]
    assert sets["JJ"] == []


def test_a_word_tagged_as_compared_has_the_form_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = (" safest", " forest", " best", " west")
    uses = {
        "safest": Counter(JJS=5),
        "safe": Counter(JJ=1),
        "forest": Counter(JJS=6, NN=4),
        "for": Counter(IN=9),
        "best": Counter(JJS=9),
        "west": Counter(JJS=5, NN=1),
        "we": Counter(PRP=9),
    }
    monkeypatch.setattr(tags_in_context, "tagged_uses", lambda: uses)
    sets = {s.name: s.ids.tolist() for s in tags_in_context.tag_sets(TokenView(Vocabulary(texts, texts, frozenset())))}
    assert sets["JJS"] == sets["comparison"] == [0, 2]
    assert sets["NN.mainly"] == [1, 3]


def test_counts_are_those_of_the_tagger_on_whole_sentences_without_capitals_that_begin_one(
    nltk_data: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nltk.tag import PerceptronTagger

    monkeypatch.setattr(tagged_words, "read_texts", lambda _corpus: ["They made peace. Peace was made by them."])
    uses = tagged_words.tagged_uses.__wrapped__()
    first = PerceptronTagger().tag(["They", "made", "peace", "."])
    second = PerceptronTagger().tag(["Peace", "was", "made", "by", "them", "."])
    expected = Counter([pair for pair in [*first[1:], *second[1:]]])
    times = len(tagged_words.CORPORA)  # each gives the same text
    assert {(word, tag): n for word, tags in uses.items() for tag, n in tags.items()} == {
        pair: times * n for pair, n in expected.items()
    }
    assert uses["made"].keys() == {"VBD", "VBN"} and "They" not in uses


def test_on_gpt2_past_tense_and_participles_overlap_with_the_numbers_to_show(gpt2_library: TokenSetLibrary) -> None:
    past, participle = gpt2_library["tag.VBD"], gpt2_library["tag.VBN"]
    (pair,) = overlaps([past], [participle])
    shared = len(set(past.ids.tolist()) & set(participle.ids.tolist()))
    assert (pair.size, pair.other_size, pair.shared) == (len(past), len(participle), shared)
    assert pair.jaccard > 0.25 and pair.contained > 0.6


def test_on_gpt2_words_carry_the_tags_of_their_use(gpt2: Vocabulary, gpt2_library: TokenSetLibrary) -> None:
    def holds(name: str, text: str) -> bool:
        return bool(np.isin(gpt2.id_of_text[text], gpt2_library[name].ids))

    assert holds("tag.VBD", " said") and not holds("tag.VBN", " said")
    assert holds("tag.VBN.mainly", " made") and holds("tag.VBG", " working")
    assert holds("tag.NNP", " Congress") and holds("tag.MD", " May") is False
    assert not holds("tag.VBG", " string")  # the tagger takes it for a gerund when it stands alone
