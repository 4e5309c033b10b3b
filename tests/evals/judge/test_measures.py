from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from tsea.evals.judge.measures import auroc, balanced_accuracy, correlation

NAMES = ("silent", "firing")


def test_balanced_accuracy_is_the_mean_of_both_classes() -> None:
    # 2 of 3 silent and 1 of 2 firing ones: (2/3 + 1/2) / 2
    assert balanced_accuracy([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], NAMES) == pytest.approx(7 / 12)


@given(st.lists(st.integers(0, 2), min_size=3), st.integers(0, 2))
def test_a_constant_answer_has_one_in_so_many_classes_whatever_is_missing(rest: list[int], answer: int) -> None:
    truth = [0, 1, 2, *rest]
    assert balanced_accuracy(truth, [answer] * len(truth), ("a", "b", "c")) == pytest.approx(1 / 3, abs=1e-15)


def test_a_class_without_an_answer_leaves_no_value() -> None:
    assert balanced_accuracy([0, 0], [0, 0], NAMES) == "no answer about firing"
    assert auroc([0, 0], [0.1, 0.2], NAMES) == "no answer about firing"
    assert auroc([1], [0.1], NAMES) == "no answer about silent"


def test_auroc_counts_ties_half() -> None:
    # firing .9 beats both silent ones, firing .5 beats .1 and ties with .5: 3.5 of 4 pairs
    assert auroc([1, 1, 0, 0], [0.9, 0.5, 0.5, 0.1], NAMES) == 3.5 / 4
    assert auroc([1, 0, 1, 0, 0], [7.0] * 5, NAMES) == 0.5


def test_correlation_of_equal_answers_is_0_and_of_equal_activations_undefined() -> None:
    assert correlation([0.0, 1.0, 2.0], [3.0, 3.0, 3.0]) == 0.0
    assert correlation([0.0, 0.0], [0.0, 1.0]) == "the activation is the same at every token that was answered"
    # deviations (-1, 0, 1) and (-2, 1, 1): 3 / sqrt(2 * 6)
    assert correlation([0.0, 1.0, 2.0], [1.0, 4.0, 4.0]) == pytest.approx(3 / np.sqrt(12))


def test_measures_agree_with_other_peoples() -> None:
    rng = np.random.default_rng(3)
    truth, answers, values = rng.integers(0, 2, 60), rng.integers(0, 2, 60), rng.integers(0, 9, 60) / 9
    assert balanced_accuracy(truth.tolist(), answers.tolist(), NAMES) == pytest.approx(
        balanced_accuracy_score(truth, answers)
    )
    assert auroc(truth.tolist(), values.tolist(), NAMES) == pytest.approx(roc_auc_score(truth, values))
    assert correlation(truth.tolist(), values.tolist()) == pytest.approx(pearsonr(truth, values).statistic)
