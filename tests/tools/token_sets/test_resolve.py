"""From specification to tokens: the same meaning on every kind of vocabulary."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsea.tools.errors import UsageError
from tsea.tools.token_sets import TokenSet, TokenSetLibrary, check_testable, resolve
from tsea.tools.token_sets.resolve import spellings
from tsea.tools.vocabulary import Vocabulary

from .conftest import TEXTS, spaces_as

ORDINARY = set(range(1, len(TEXTS)))
LEAVES = st.one_of(
    st.builds(lambda letter: {"prefix": letter}, st.sampled_from("dwt1")),
    st.builds(
        lambda words: {"words": words, "variants": "all"}, st.lists(st.sampled_from(["dog", "walk", "the"]), min_size=1)
    ),
    st.builds(lambda ids: {"ids": ids}, st.lists(st.sampled_from(sorted(ORDINARY)), min_size=1)),
    st.builds(lambda pattern: {"regex": pattern}, st.sampled_from([r" ", r".*\d", r"\w+$"])),
)


def ids_of(spec: Any, vocabulary: Vocabulary | None = None) -> set[int]:
    return set(resolve(spec, vocabulary or spaces_as("\u0120")).ids.tolist())


@settings(max_examples=40)
@given(LEAVES, LEAVES, LEAVES)
def test_the_operators_obey_set_algebra(a: Any, b: Any, c: Any) -> None:
    in_a, in_b, in_c = ids_of(a), ids_of(b), ids_of(c)
    assert ids_of({"any": [a, b, c]}) == in_a | in_b | in_c
    assert ids_of({"all": [a, b, c]}) == in_a & in_b & in_c
    assert ids_of({"not": a}) == ORDINARY - in_a
    assert ids_of({"minus": [a, b]}) == in_a - in_b == ids_of({"all": [a, {"not": b}]})
    assert ids_of({"not": {"any": [a, b]}}) == ids_of({"all": [{"not": a}, {"not": b}]})


@pytest.mark.parametrize(
    ("spec", "texts"),
    [
        ({"words": ["dog"]}, ["dog"]),
        ({"words": [" dog"]}, [" dog"]),
        ({"words": ["dog"], "variants": "space"}, ["dog", " dog"]),
        ({"words": ["DOG"], "variants": "case"}, ["dog", "Dog"]),
        ({"words": [" dog"], "variants": "case"}, [" dog", " Dog", " DOG"]),
        ({"words": ["dog"], "variants": "all"}, ["dog", " dog", "Dog", " Dog", " DOG"]),
        ({"prefix": "dog"}, ["dog", " dog", "Dog", " Dog", " DOG", " dogs"]),
        ({"prefix": "Do"}, ["Dog", " Dog"]),
        ({"prefix": " walk"}, [" walk", " walked", " walking"]),
        ({"suffix": "ing"}, [" walking", "walking"]),
        ({"regex": r" \w+ing$"}, [" walking"]),
        ({"regex": "alk"}, []),
        ({"regex": "\u2423walk(ed)?$"}, [" walk", " walked"]),
        ({"ids": [0, 2, 2]}, [" dog"]),
        ({"words": [" walk"], "inflected": True}, [" walk", " walked", " walking"]),
        ({"words": ["dog"], "inflected": True, "variants": "space"}, ["dog", " dog", " dogs"]),
        ({"contains": "g"}, ["dog", " dog", "Dog", " Dog", " DOG", " dogs", " walking", "walking"]),
        ({"contains": " D"}, [" Dog", " DOG"]),
        ({"length": 7}, [" walking", "walking"]),
        ({"all": [{"length": [8, 99]}, {"not": {"contains": "e"}}]}, ["__init__"]),
        ({"script": "Cyrillic"}, [" \u043c\u0438\u0440"]),
    ],
)
def test_specifications_mean_the_same_on_every_kind_of_vocabulary(
    spec: Any, texts: list[str], vocabulary: Vocabulary, tokens_of: Callable[[object], list[str]]
) -> None:
    ids = resolve(spec, vocabulary).ids
    assert ids.dtype == np.int64
    assert tokens_of(ids) == texts


def test_a_regex_on_raw_strings_sees_the_tokenizers_own_space() -> None:
    assert ids_of({"regex": "\u0120dog$", "on": "raw"}) == {2}
    assert ids_of({"regex": "\u0120dog$"}) == set()


def test_what_stands_for_no_token_is_reported_with_its_pieces() -> None:
    class Halves:
        def encode(self, word: str, add_special_tokens: bool) -> list[int]:
            assert not add_special_tokens
            return [2, 6]

    vocabulary = dataclasses.replace(spaces_as("\u0120"), tokenizer=Halves)
    found = resolve({"any": [{"words": ["walk", "doghouse"]}, {"ids": [0]}]}, vocabulary)
    assert found.ids.tolist() == [7]
    assert [(item.item, item.reason, item.pieces) for item in found.unmatched] == [
        ("doghouse", "no single token", ("\u2423dog", "\u2423dogs")),
        ("0", "special token", ()),
    ]
    by_piece = resolve({"words": ["walk", "doghouse"], "first_piece": True}, vocabulary)
    assert by_piece.ids.tolist() == [2, 7] and "first piece" in by_piece.unmatched[0].reason


def test_each_spelling_of_a_word_of_several_tokens_gives_its_first_piece() -> None:
    firsts = {"doghouse": 1, " doghouse": 2, "Doghouse": 3, " Doghouse": 4, "DOGHOUSE": 6, " DOGHOUSE": 5}

    class Cuts:
        def encode(self, word: str, add_special_tokens: bool) -> list[int]:
            return [firsts[word], 12]

    vocabulary = dataclasses.replace(spaces_as("\u0120"), tokenizer=Cuts)
    spec = {"words": ["doghouse", "walking"], "first_piece": True}
    for variants, pieces in (("space", {1, 2}), ("case", {1, 3, 6}), ("all", set(firsts.values()))):
        walking = ids_of({"words": ["walking"], "variants": variants})  # a token: its other spellings stay whole
        assert ids_of(spec | {"variants": variants}, vocabulary) == pieces | walking


def test_a_part_of_speech_is_the_librarys_better_set_of_that_tag() -> None:
    vocabulary = spaces_as("\u0120")
    sets = [
        TokenSet(name, name[:3], "", np.array(ids), "rules", "MIT") for name, ids in (("pos.NN", [1]), ("pos.VBD", [9]))
    ]
    tagged = [*sets, TokenSet("tag.VBD", "tag", "", np.array([8, 9]), "rules", "MIT")]
    assert resolve({"pos": "VBD"}, vocabulary, TokenSetLibrary(sets, vocabulary.hash)).ids.tolist() == [9]
    library = TokenSetLibrary(tagged, vocabulary.hash)
    assert resolve({"pos": "VBD"}, vocabulary, library).ids.tolist() == [8, 9]
    with pytest.raises(UsageError, match="Did you mean VBD"):
        resolve({"pos": "VBDD"}, vocabulary, library)


@pytest.mark.parametrize("script", ["Klingon", "a}|(x+x+)+y", ""])
def test_an_unknown_script_is_refused(script: str) -> None:
    with pytest.raises(UsageError, match="Unicode script"):
        resolve({"script": script}, spaces_as("\u0120"))


def test_spellings_are_listed_once() -> None:
    assert spellings("1", "all") == ["1", " 1"]
    assert spellings("USA", "case") == ["USA", "usa", "Usa"]


def test_library_sets_are_joined_by_glob_and_belong_to_their_vocabulary() -> None:
    vocabulary = spaces_as("\u0120")
    sets = [TokenSet(f"pos.{n}", "pos", "", np.array(ids), "rules", "MIT") for n, ids in (("A", [1, 2]), ("B", [2, 5]))]
    library = TokenSetLibrary(sets, vocabulary.hash)
    assert resolve("pos.*", vocabulary, library).ids.tolist() == [1, 2, 5]
    with pytest.raises(UsageError, match="Did you mean pos.A"):
        resolve({"library": "pos.AA"}, vocabulary, library)
    with pytest.raises(UsageError, match="no library is open"):
        resolve("pos.A", vocabulary)
    with pytest.raises(UsageError, match="another vocabulary"):
        resolve("pos.A", spaces_as("\u2581"), library)


def test_a_bare_word_that_names_no_set_is_offered_as_a_word_and_a_tag_without_data_says_so() -> None:
    vocabulary = spaces_as("\u0120")
    sets = [TokenSet("topic.law", "topic", "", np.array([1]), "rules", "MIT")]
    library = TokenSetLibrary(sets, vocabulary.hash, ["pos: no data, run x"])
    with pytest.raises(UsageError, match=r'For the word itself write {"words": \["red"\]}'):
        resolve("red", vocabulary, library)
    for spec in ("pos.NN", {"pos": "NN"}):
        with pytest.raises(UsageError, match="The family pos: no data, run x") as caught:
            resolve(spec, vocabulary, library)
        assert "word itself" not in str(caught.value)


def test_an_id_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError, match="ids 0 to"):
        resolve({"ids": [len(TEXTS)]}, spaces_as("\u0120"))


def test_empty_and_whole_sets_are_not_testable_and_others_are_cut_to_the_universe() -> None:
    universe = np.arange(2, 10)
    assert check_testable(np.array([0, 1, 2, 9]), universe).tolist() == [2, 9]
    with pytest.raises(UsageError, match="empty"):
        check_testable(np.array([0, 1]), universe)
    with pytest.raises(UsageError, match="whole vocabulary"):
        check_testable(np.arange(20), universe)


def test_pieces_are_those_of_the_text_alone_where_a_tokenizer_puts_a_space_before_it() -> None:
    texts = (" ", "r", "e", "d", "\n", " re")

    class Prepends:
        def encode(self, text: str, add_special_tokens: bool) -> list[int]:
            left, tokens = f" {text}", list[int]()
            while left:
                token = max((i for i, t in enumerate(texts) if left.startswith(t)), key=lambda i: len(texts[i]))
                tokens.append(token)
                left = left[len(texts[token]) :]
            return tokens

    vocabulary = Vocabulary(texts, texts, frozenset(), Prepends)
    assert vocabulary.pieces("red") == (1, 2, 3)
    assert vocabulary.pieces(" red") == (5, 3)
