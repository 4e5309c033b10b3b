from __future__ import annotations

import fake_llm
import numpy as np
import pytest
from judging import answering, exam, scored

from tsea.evals.judge.agreement import agreement, krippendorff_alpha
from tsea.evals.scorers.detection import Detection

NAN = float("nan")
# Krippendorff 2011, section C and D: four observers, twelve units, missing values.
FOUR = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)
# The same source, section A: two observers, binary values.
TWO = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]])


def test_published_examples_are_reproduced() -> None:
    assert krippendorff_alpha(FOUR, "nominal") == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(FOUR, "interval") == pytest.approx(0.849, abs=5e-4)
    assert krippendorff_alpha(TWO, "nominal") == pytest.approx(0.095, abs=5e-4)


def test_alpha_is_the_hand_computed_one() -> None:
    # Coincidences 00: 10, 01 and 10: 4 each, 11: 2 of n = 20; alpha = 1 - 19 * 4 / (14 * 6)
    assert krippendorff_alpha(TWO, "nominal") == pytest.approx(1 - 19 * 4 / (14 * 6))
    # Values 1, 2 and 5, 5: squared differences 1 and 0; over all pairs 4 * 52 - 2 * ... = 2 n sum (a - mean)^2
    values = np.array([[1.0, 5.0], [2.0, 5.0]])
    expected = 2 * 4 * sum((one - 3.25) ** 2 for one in (1, 2, 5, 5)) / 3
    assert krippendorff_alpha(values, "interval") == pytest.approx(1 - 2 / expected)


def test_full_agreement_is_1_and_nothing_that_varies_has_no_alpha() -> None:
    assert krippendorff_alpha(np.array([[0, 1, 1], [0, 1, 1]]), "nominal") == 1.0
    assert krippendorff_alpha(np.ones((2, 5)), "nominal") is None
    assert krippendorff_alpha(np.array([[1, NAN], [NAN, 2]]), "interval") is None
    assert krippendorff_alpha(np.empty((2, 0)), "nominal") is None


def test_answers_that_one_judge_lacks_are_counted_and_left_out() -> None:
    first = [{"answers": [0, 1, None, 0]}, {"answers": [0, 0, 0, 0, 1, 0]}]
    second = [{"answers": [1, 1, 1, 0]}, {"answers": [0, 1, 0, 0, 0, None]}]
    found = agreement(first, second)
    assert (found.items, found.missing) == (8, 2)
    kept = np.array([[0, 1, 0, 0, 0, 0, 0, 1], [1, 1, 0, 0, 1, 0, 0, 0]])
    assert found.alpha == krippendorff_alpha(kept, "nominal")


def test_two_runs_of_a_judge_are_compared_item_by_item() -> None:
    scorer = Detection(exam())
    with fake_llm.serve(answering(lambda text: int("fox" in text))) as llm:
        first = scored(scorer, llm, seed=1)
        llm.play = answering(lambda text: int("fox" in text or "hen" in text))
        second = scored(scorer, llm, seed=2)
    found = agreement([first.details], [second.details])
    # 10 yes and 7 no alike, 3 differ: coincidences 2 * 3 of n = 40, of which 23 are yes.
    assert (found.items, found.missing) == (20, 0)
    assert found.alpha == pytest.approx(1 - 39 * 6 / (2 * 23 * 17))


def test_scores_on_different_items_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="different items"):
        agreement([{"answers": [0, 1]}], [{"answers": [0]}])
