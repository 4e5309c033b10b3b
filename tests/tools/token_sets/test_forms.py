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
    ],
)
def test_forms_follow_the_rules_of_spelling(word: str, forms: list[str]) -> None:
    assert inflected(word) == forms
