from __future__ import annotations

from tsea.labeler import wording
from tsea.tools.inputs.slices import Where
from tsea.tools.results import TokenWeight

TOP = [TokenWeight(token=t, id=i, weight=1.0) for i, t in enumerate(["␣he", "␣him", "␣his", "He", "his", "x"])]


def test_a_claim_names_the_strongest_side_first_and_joins_its_sets() -> None:
    text = wording.claim_text([(1, "digits", ["1", "2"]), (0, "verbs", ["␣go"]), (1, "years", ["1990"])], None)
    assert text == "Suppresses digits (1, 2) and years (1990); promotes verbs (␣go)."


def test_a_local_claim_names_its_tokens_before_its_sets() -> None:
    text = wording.claim_text([(0, "pronouns", ["␣he"])], TOP)
    assert text == "Promotes a few tokens above all: ␣he, ␣him, ␣his, He, his; promotes pronouns (␣he)."


def test_without_a_claim_the_sentence_says_what_was_seen() -> None:
    text = wording.no_claim_text(TOP, TOP[::-1], "promotes verbs, q = 0.2")
    assert text.startswith("No token set passes the claim rule (closest: promotes verbs, q = 0.2).")
    assert "␣he, ␣him" in text and "most suppressed: x, his" in text
    assert "none came near" in wording.no_claim_text(TOP, TOP, None)


def test_a_refutation_speaks_of_sealed_tokens_in_the_claimed_direction() -> None:
    assert "no higher" in wording.refutation([(0, "verbs")], None)
    assert "no lower" in wording.refutation([(1, "verbs")], None)
    assert "steered" in wording.refutation([], TOP)


def test_what_a_feature_fires_on_stands_behind_what_it_promotes_place_by_place() -> None:
    read: list[tuple[Where, str, list[str], float]] = [
        ("previous", "Digits", ["1"], 0.25),
        ("token", "years", ["1990", "2000"], 0.5),
        ("previous", "English words", ["a"], 1.0),
        ("next", '"es"', ["␣es"], 0.125),
    ]
    assert wording.claim_text([(0, "verbs", ["go"])], None, read) == (
        "Promotes verbs (go); fires right behind digits (1; 25%) and English words (a; 100%); fires on years (1990, "
        '2000; 50%); fires right before "es" (␣es; 12%).'
    )
    assert wording.claim_text([], None, read[1:2]) == "Fires on years (1990, 2000; 50%)."
    refuted = wording.refutation([], None, [("token", "years"), ("next", '"es"')])
    assert "held-out documents" in refuted and 'no more on the set "years" than' in refuted
    assert 'right before "es" than those' in refuted
