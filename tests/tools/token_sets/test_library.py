"""The library: one name for one set, globs, and what can be tested."""

from __future__ import annotations

import numpy as np
import pytest

from tsea.tools.errors import UsageError
from tsea.tools.token_sets.library import TokenSet, TokenSetLibrary


def token_set(name: str, ids: list[int]) -> TokenSet:
    return TokenSet(name, name.split(".")[0], f"about {name}", np.array(ids, np.int64), "rules", "MIT")


def library(*sets: tuple[str, list[int]], vocabulary: str = "v") -> TokenSetLibrary:
    return TokenSetLibrary([token_set(name, ids) for name, ids in sets], vocabulary)


def test_sets_with_the_same_members_become_one_with_aliases() -> None:
    sets = library(("a.x", [1, 2]), ("b.y", [3]), ("c.z", [1, 2]), ("d.w", [1, 2]))
    assert sets.names == ["a.x", "b.y"]
    assert sets["a.x"].aliases == ("c.z", "d.w")
    assert sets["d.w"] is sets["a.x"]
    assert "c.z" in sets and "e" not in sets


def test_a_glob_finds_names_and_aliases_once_and_keeps_the_order() -> None:
    sets = library(("b.y", [3]), ("a.x", [1, 2]), ("b.z", [1, 2]))
    assert sets.select("b.*").names == ["b.y", "b.z"]
    assert sets.select("*").names == ["b.y", "a.x"] and sets.select("b.z").names == ["b.z"]
    assert sets.families == ["b", "a"]


def test_a_set_is_found_under_each_of_its_names_as_it_was_given_there() -> None:
    sets = library(("a.x", [1, 2]), ("b.y", [1, 2]), ("b.z", [1, 2]))
    found = sets.named("b.y")
    assert (found.name, found.family, found.description) == ("b.y", "b", "about b.y")
    assert found.aliases == ("a.x", "b.z") and found.ids.tolist() == [1, 2]
    assert [s.name for s in sets.select("b.*").given] == ["b.y", "b.z"]
    assert sets["b.y"].name == sets.named("a.x").name == "a.x"


def test_an_unknown_name_or_glob_offers_the_nearest() -> None:
    sets = library(("pos.VBG", [1]), ("suffix.ing", [2]))
    with pytest.raises(UsageError, match="Did you mean pos.VBG"):
        sets["pos.VBGG"]
    with pytest.raises(UsageError, match="Families: pos, suffix"):
        sets.select("colour*")


def test_two_different_sets_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="a.x"):
        library(("a.x", [1]), ("a.x", [2]))


def test_testable_sets_are_cut_to_the_universe_and_neither_small_nor_large_nor_double() -> None:
    sets = library(("small", [0, 1]), ("fits", [0, 1, 2, 30]), ("large", list(range(8))), ("same", [0, 1, 2, 31]))
    testable = sets.testable(np.arange(12), least=3)
    assert testable.names == ["fits"]
    assert testable["same"].ids.tolist() == [0, 1, 2]


def test_the_hash_follows_names_members_order_and_vocabulary() -> None:
    sets = (("a.x", [1, 2]), ("b.y", [3]))
    variants = [
        library(*sets),
        library(*sets[::-1]),
        library(("a.x", [1, 2])),
        library(("a.x", [1, 3]), ("b.y", [3])),
        library(("a.z", [1, 2]), ("b.y", [3])),
        library(*sets, vocabulary="w"),
    ]
    assert len({variant.hash for variant in variants}) == len(variants)
    assert library(*sets).hash == variants[0].hash


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Regex.Digits", "Did you mean regex.digits? Case counts."),
        ("topic", "topic is a family: its sets are 'topic.*'."),
        ("Topics", "topic is a family"),
        ("verb", "Did you mean pos.verbs?"),
        ("topic.laww", "Did you mean topic.law?"),
        ("xyzzy", "Families: regex, topic, pos; `tsea sets search WORD`"),
        ("tag.VBD", "The family tag: no data, run x."),
        ("Tag", "The family tag: no data, run x."),
        ("tags.VBD", "Families"),
    ],
)
def test_a_name_that_fits_nothing_gets_the_hint_that_helps(name: str, message: str) -> None:
    sets = [token_set(known, [i]) for i, known in enumerate(("regex.digits", "topic.law", "pos.verbs"))]
    some = TokenSetLibrary(sets, "v", ["tag: no data, run x"])
    for ask in (some.select, some.__getitem__):
        with pytest.raises(UsageError) as caught:
            ask(name)
        assert message in str(caught.value)
