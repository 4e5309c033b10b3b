from __future__ import annotations

import numpy as np

from tsea.tools.token_sets import TokenSet, TokenSetLibrary
from tsea.tools.token_sets.compare import difference, overlaps, similar


def library(**members: list[int]) -> TokenSetLibrary:
    sets = [TokenSet(name, "made", "", np.array(ids, np.int64), "rules", "MIT") for name, ids in members.items()]
    return TokenSetLibrary(sets, "vocabulary")


def test_pairs_that_share_tokens_come_with_the_numbers_most_alike_first() -> None:
    sets = library(a=[1, 2, 3, 4], b=[3, 4], c=[4, 5, 6, 7], d=[9])
    pairs = overlaps(list(sets))
    assert [(p.set, p.other, p.size, p.other_size, p.shared) for p in pairs] == [
        ("a", "b", 4, 2, 2),
        ("b", "c", 2, 4, 1),
        ("a", "c", 4, 4, 1),
    ]
    assert [(p.jaccard, p.contained) for p in pairs] == [(2 / 4, 1), (1 / 5, 1 / 2), (1 / 7, 1 / 4)]
    between = overlaps([sets["a"]], [sets["a"], sets["d"]])
    assert [(p.set, p.other, p.jaccard) for p in between] == [("a", "a", 1)]


def test_random_sets_share_what_python_counts() -> None:
    rng = np.random.default_rng(0)
    members = {f"s{i}": np.unique(rng.integers(0, 200, rng.integers(1, 60))).tolist() for i in range(12)}
    found = {(p.set, p.other): p.shared for p in overlaps(list(library(**members)))}
    for one in members:
        for other in members:
            if one < other and (one, other) in found:
                assert found[one, other] == len({*members[one]} & {*members[other]}) > 0
    assert len(found) == sum(bool({*members[a]} & {*members[b]}) for a in members for b in members) / 2 - 6


def test_what_resembles_a_set_is_found_and_an_empty_set_resembles_none() -> None:
    sets = library(a=[1, 2, 3, 4], b=[3, 4], c=[4, 5, 6, 7])
    assert [(p.set, p.jaccard) for p in similar("x", np.array([2, 3, 4]), sets)] == [("a", 3 / 4), ("b", 2 / 3)]
    assert similar("x", np.array([], np.int64), sets) == []
    assert [p.set for p in similar("a", sets["a"].ids, sets)] == ["b"]


def test_libraries_differ_by_what_is_new_gone_and_changed() -> None:
    found = difference(library(a=[1, 2, 3], b=[4], c=[5]), library(a=[2, 3, 9, 10], c=[5], d=[6]))
    assert (found.added, found.removed) == (["d"], ["b"])
    (change,) = found.changed
    assert (change.name, change.gained, change.lost, change.jaccard) == ("a", 2, 1, 2 / 5)
