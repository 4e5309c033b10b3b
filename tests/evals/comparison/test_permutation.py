"""The paired permutation test and the interval, held against scipy's and against what they promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from compared import OUTPUT, scored_run
from scipy import stats

from tsea.evals.bootstrap import interval
from tsea.evals.comparison.paired import Paired
from tsea.evals.comparison.permutation import DRAWS, EXACT, sign_flip_p

SOME = np.array([0.5, -0.1, 0.2, 0.3, -0.25, 0.1, 0.1, 0.4, 0.05])


def theirs(differences: np.ndarray, **settings: object) -> float:
    found = stats.permutation_test((differences,), np.mean, permutation_type="samples", **settings)  # type: ignore[arg-type]
    return float(found.pvalue)


@pytest.mark.parametrize(
    "differences",
    [
        SOME,
        -SOME,
        np.array([0.1, 0.2, 0.3, -0.1, -0.2, 0.1]),  # sums that are equal up to rounding
        np.array([0.25, 0.0, 0.5, 0.0, -0.25, 0.25]),  # with features on which nothing differs
        np.array([1.0, 2.0]),
    ],
)
def test_the_exact_p_is_that_of_scipy(differences: np.ndarray) -> None:
    assert sign_flip_p(differences) == pytest.approx(theirs(differences, n_resamples=np.inf), abs=1e-12)


def test_the_exact_p_counts_sign_patterns_as_by_hand() -> None:
    # Of the 8 patterns of 1, 2, 3 only +++ and --- reach |6|; ++- and so on reach 0, 2, 4.
    assert sign_flip_p(np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert sign_flip_p(np.array([-1.0, 2.0, 3.0])) == 4 / 8
    assert sign_flip_p(np.zeros(5)) == sign_flip_p(np.array([0.7])) == 1.0
    assert sign_flip_p(np.array([])) is None


def test_drawn_patterns_give_about_the_p_of_all_patterns() -> None:
    rng = np.random.default_rng(3)
    for shift in (0.0, 0.2, 0.5):
        differences = rng.normal(shift, 1, EXACT + 2)
        every = itertools.product((-1.0, 1.0), repeat=10)
        halves = np.array(list(every))
        sums = (halves @ differences[:10])[:, None] + halves @ differences[10:]
        exact = np.mean(np.abs(sums) >= abs(differences.sum()) - 1e-9)
        assert sign_flip_p(differences) == pytest.approx(exact, abs=0.012)


def test_drawn_patterns_are_seeded_and_p_is_never_0() -> None:
    differences = np.full(200, 0.3)
    assert sign_flip_p(differences) == 1 / (DRAWS + 1)
    some = np.random.default_rng(0).normal(0.1, 1, 61)
    assert sign_flip_p(some) == sign_flip_p(some)
    assert sign_flip_p(some) == pytest.approx(theirs(some, n_resamples=19_999, rng=1), abs=0.015)


@pytest.mark.large
def test_on_runs_that_are_the_same_up_to_noise_one_in_twenty_is_rejected() -> None:
    rng = np.random.default_rng(11)
    rejected = 0
    for _ in range(1_000):
        truth = rng.uniform(0.5, 1, 45)
        # Scores on 40 items, so that many differences are 0 and many equal.
        first, second = ((rng.binomial(40, truth) / 40).tolist() for _ in range(2))
        paired = Paired.of(scored_run("a", first), scored_run("b", second), OUTPUT)
        p = sign_flip_p(paired.differences)
        rejected += p is not None and p <= 0.05
    assert 30 <= rejected <= 70


def test_the_interval_is_that_of_scipy_up_to_its_draws() -> None:
    differences = np.random.default_rng(5).gamma(2, 0.1, 60) - 0.15
    found = stats.bootstrap((differences,), np.mean, method="percentile", n_resamples=20_000, rng=2).confidence_interval
    assert interval(differences) == pytest.approx((found.low, found.high), abs=0.002)
    assert interval(np.array([0.4])) is None
