from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control, hypergeom

from tsea.tools.errors import UsageError
from tsea.tools.libraries import OpenLibrary
from tsea.tools.token_sets.library import MIN_TOKENS, TokenSet, TokenSetLibrary
from tsea.tools.vocabulary import Vocabulary

WORDS = ["dog", " dog", "Dog", " cat", "\n", "\\n", " walking"]
SIZE = 100
OPEN = np.arange(0, SIZE - 10)  # the last ten are sealed


@pytest.fixture
def vocabulary() -> Vocabulary:
    texts = [*WORDS, *(f"w{i}" for i in range(SIZE - len(WORDS)))]
    return Vocabulary(tuple(t.replace(" ", "\u0120") for t in texts), tuple(texts), frozenset())


def opened(vocabulary: Vocabulary, **members: list[int]) -> OpenLibrary:
    sets = [
        TokenSet(n, "made", f"about {n}", np.array(sorted(i), np.int64), "rules", "MIT") for n, i in members.items()
    ]
    return OpenLibrary(TokenSetLibrary(sets, vocabulary.hash), vocabulary, OPEN, [])


def some(*extra: int) -> list[int]:
    """Ten tokens that nobody asks for, and some more."""
    return [*range(40, 50), *extra]


def test_p_and_q_are_hypergeometric_over_open_tokens_and_all_testable_sets(vocabulary: Vocabulary) -> None:
    rng = np.random.default_rng(1)
    members = {f"s{i}": rng.choice(SIZE, rng.integers(12, 50), replace=False).tolist() for i in range(30)}
    library = opened(vocabulary, **members, tiny=[0, 1, 2])
    given = ["w10", "w11", "w12", "w13", "w20", "w92"]  # the last one is sealed
    found = library.suggested(given, most=100)
    ids = {vocabulary.id_of_text[text] for text in given[:-1]}
    assert found.sealed == ["w92"] and found.tokens == given[:-1]
    assert (found.open_tokens, found.tested) == (90, 30)
    cut = {name: set(i) & set(OPEN.tolist()) for name, i in members.items()}
    p = {n: hypergeom.sf(len(i & ids) - 1, 90, len(i), 5) for n, i in cut.items()}
    q = dict(zip(p, false_discovery_control(list(p.values())), strict=True))
    for row in found.sets:
        assert row.p == pytest.approx(p[row.set]) and row.q == pytest.approx(q[row.set])
        assert (row.size, row.shared) == (len(cut[row.set]), len(cut[row.set] & ids)) and row.shared
        assert row.tokens == [vocabulary.text[i] for i in sorted(cut[row.set] & ids)]
    assert [r.p for r in found.sets] == sorted(r.p for r in found.sets)
    named = [n for row in found.sets for n in (row.set, *row.folded)]
    assert sorted(named) == sorted(n for n, i in cut.items() if i & ids)


def test_a_wider_set_that_holds_no_more_of_them_goes_under_the_narrow_one(vocabulary: Vocabulary) -> None:
    library = opened(
        vocabulary,
        wide=some(0, 1, 3, 60, 61, 62),
        narrow=some(0, 1),
        equal_where_open=[*some(0, 1), 95],
        more=some(0, 1, 3, 2),
        beside=[0, 1, *range(70, 80)],
    )
    found = library.suggested(["dog", " dog", "Dog"]).sets
    assert [(row.set, row.shared, row.folded) for row in found] == [
        ("more", 3, []),
        ("narrow", 2, ["equal_where_open", "wide"]),
        ("beside", 2, []),
    ]
    assert [row.set for row in library.suggested(["dog", " dog", "Dog"], most=1).sets] == ["more"]


def test_tokens_are_read_as_shown_or_as_they_are(vocabulary: Vocabulary) -> None:
    library = opened(vocabulary, all=some(*range(7)))
    assert library.suggested(["\u2423dog", " cat", "dog", "dog"]).tokens == ["dog", "\u2423dog", "\u2423cat"]
    assert library.suggested(["\n"]).tokens == ["\\n"] == library.suggested(["\\n"]).tokens
    newline, backslash = (library.suggested([text]).sets[0] for text in ("\n", "\\n"))
    assert newline.shared == backslash.shared == 1


def test_an_escaped_control_character_is_found_where_no_token_is_spelt_so() -> None:
    texts = ["\t", *(f"w{i}" for i in range(30))]
    vocabulary = Vocabulary(tuple(texts), tuple(texts), frozenset())
    sets = [TokenSet("first", "made", "", np.arange(MIN_TOKENS, dtype=np.int64), "rules", "MIT")]
    library = OpenLibrary(TokenSetLibrary(sets, vocabulary.hash), vocabulary, np.arange(31), [])
    assert library.suggested(["\\t"]).sets[0].tokens == ["\\t"]


def test_what_is_no_token_comes_back_with_spellings_that_are(vocabulary: Vocabulary) -> None:
    library = opened(vocabulary, all=some(*range(7)))
    found = library.suggested(["cat", "DOG", " walkng", "zzz", ""])
    assert not found.sets and not found.tokens
    assert [(one.token, one.close) for one in found.unknown] == [
        ("cat", ["\u2423cat"]),
        ("DOG", ["dog", "Dog", "\u2423dog"]),
        (" walkng", ["\u2423walking"]),
        ("zzz", []),
        ("", []),
    ]


def test_no_tokens_and_thousands_are_refused(vocabulary: Vocabulary) -> None:
    library = opened(vocabulary, all=some(0))
    for tokens in ([], ["dog"] * 1001):
        with pytest.raises(UsageError, match="name 1 to 1000"):
            library.suggested(tokens)
