"""The library on the real GPT-2 vocabulary: published sizes, breadth, overlaps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tsea.tools.token_sets.library import TokenSetLibrary
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


@pytest.mark.parametrize(
    ("name", "held", "not_held"),
    [
        ("inflection.comparative", {" better", " happier"}, {" liver", " conquer"}),
        ("inflection.superlative", {" best", " happiest"}, {" invest", " modest"}),
        ("inflection.un", {" unhappy"}, {" union", " under", " until"}),
        ("inflection.agent", {" teacher", " actor"}, {" door", " flower", " harder"}),
        ("inflection.adverb", {" quickly"}, {" supply", " Kelly"}),
        ("inflection.plural", {" theories"}, {" agrees", " thus", " afterwards"}),
        ("inflection.verb_ing", {" working"}, {" string", " bring"}),
        ("tag.JJS", {" largest", " best"}, {" forest", " west", " honest"}),
        ("dictionary.whole", {" women", " became", " internet"}, {" challeng"}),
        ("dictionary.fragment", {" challeng"}, {" women", " became", " internet"}),
        ("dictionary.bare_whole", {"happy", "things"}, {"abama", "lings", "akra"}),
        ("place.continent_region", {" Europe"}, {" European", " Eastern"}),
        ("place.compass", {" Eastern", " North"}, {" Europe"}),
        ("named.organisation", {" NASA", " Taliban"}, set[str]()),
    ],
)
def test_sets_hold_what_they_say_and_not_what_is_only_spelt_so(
    name: str, held: set[str], not_held: set[str], gpt2: Vocabulary, gpt2_library: TokenSetLibrary
) -> None:
    texts = {gpt2.text[token] for token in gpt2_library[name].ids.tolist()}
    assert held <= texts and not not_held & texts
