"""What labelers are shown to do on known truth."""

from __future__ import annotations

import pytest

from tsea.evals.planted.report import Measured


def test_the_statistical_labeler_names_the_planted_set_wherever_its_test_has_the_power(statistical: Measured) -> None:
    strong = statistical.powered
    assert strong is not None and strong.known >= 16 and strong.power is not None and strong.power >= 0.98
    assert strong.recall_top1 is not None and strong.recall_top1 >= 0.9
    powers = [row.power for row in statistical.rows[1:]]
    assert powers[0] is not None and powers[0] < 0.8 and powers == sorted(powers, key=lambda p: p or 0)


def test_the_statistical_labeler_keeps_its_promise_and_knows_how_sure_it_is(statistical: Measured) -> None:
    total = statistical.total
    assert total.claims >= 80
    assert total.wrong_claims is not None and total.wrong_claims <= 0.07
    assert total.confident >= 60 and total.ece is not None and total.ece <= 0.1


def test_a_labeler_that_only_searches_the_library_finds_nothing_outside_of_it(statistical: Measured) -> None:
    strongest = statistical.rows[-1]
    assert strongest.recall_outside == 0 and strongest.n > strongest.known > 0
    assert statistical.kinds["half"].recall_top1 is None and statistical.kinds["half"].jaccard_first is not None


@pytest.mark.large
def test_the_random_set_null_breaks_the_promise(statistical: Measured, random_set: Measured) -> None:
    nulls = random_set.rows[0]
    assert nulls.strength == 0 and nulls.claimed > 0.5 and nulls.wrong_claims == 1
    assert random_set.total.wrong_claims is not None and random_set.total.wrong_claims > 0.25
    assert statistical.rows[0].claimed <= 0.05
