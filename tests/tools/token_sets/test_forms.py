from __future__ import annotations

import pytest

from tsea.tools.token_sets.forms import inflected


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("walk", ["walk", "walks", "walked", "walking"]),
        ("stop", ["stop", "stops", "stopped", "stopping"]),
        ("try", ["try", "tries", "tried", "trying"]),
        ("make", ["make", "makes", "made", "making"]),
        ("see", ["see", "sees", "saw", "seen", "seeing"]),
        ("box", ["box", "boxes", "boxed", "boxing"]),
        ("play", ["play", "plays", "played", "playing"]),
        ("go", ["go", "goes", "went", "gone", "going"]),
        ("big", ["big", "bigs", "bigged", "bigging", "bigger", "biggest"]),
        ("happy", ["happy", "happies", "happied", "happying", "happier", "happiest"]),
        ("late", ["late", "lates", "lated", "lating", "later", "latest"]),
        ("new", ["new", "news", "newed", "newing", "newer", "newest"]),
    ],
)
def test_forms_follow_the_rules_of_spelling(word: str, forms: list[str]) -> None:
    assert inflected(word) == forms


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("man", {"men"}),
        ("child", {"children"}),
        ("foot", {"feet"}),
        ("mouse", {"mice"}),
        ("wife", {"wives"}),
        ("leaf", {"leaves"}),
        ("criterion", {"criteria"}),
        ("index", {"indices", "indexes"}),
        ("good", {"better", "best"}),
        ("bad", {"worse", "worst"}),
        ("far", {"further", "furthest", "farther", "farthest"}),
        ("old", {"older", "oldest", "elder", "eldest"}),
    ],
)
def test_irregular_plurals_and_comparisons_are_listed(word: str, forms: set[str]) -> None:
    assert forms <= set(inflected(word))


@pytest.mark.parametrize("word", ["walk", "paint", "corn", "numb"])
def test_words_that_are_not_compared_get_no_comparative(word: str) -> None:
    assert not {word + "er", word + "est"} & set(inflected(word))
