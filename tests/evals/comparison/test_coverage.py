from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from compared import label, scored_run

from tsea.evals.comparison.coverage import MOST_POINTS, Curve, Point


def test_the_most_confident_labels_come_first_and_abstentions_are_not_covered() -> None:
    run = scored_run(
        "a",
        [1.0, 0.8, 0.5, 0.6, 0.2],
        abstaining=[2],
        a=label(0, confidence=0.9),
        b=label(1, confidence=0.95),
        c=label(2, status="no_claim", confidence=1.0),
        d=label(3),  # no confidence stated: last
        e=label(4, confidence=0.3),
    )
    found = Curve.of(run, "output", [0, 1, 2, 3, 4])
    assert found.points == [
        Point(0.2, 0.8),
        Point(0.4, pytest.approx(0.9)),
        Point(0.6, pytest.approx(2.0 / 3)),
        Point(0.8, pytest.approx(2.6 / 4)),
    ]
    assert found.with_abstentions == pytest.approx(3.1 / 5) and found.n == 5


def test_labels_of_one_confidence_come_together() -> None:
    run = scored_run(
        "a", [1.0, 0.0, 0.5], a=label(0, confidence=0.7), b=label(1, confidence=0.7), c=label(2, confidence=0.1)
    )
    assert Curve.of(run, "output", [0, 1, 2]).points == [Point(pytest.approx(2 / 3), 0.5), Point(1.0, 0.5)]


def test_a_run_that_says_nothing_has_no_points() -> None:
    found = Curve.of(scored_run("a", [0.5, 0.5], abstaining=[0, 1]), "output", [0, 1])
    assert found.points == [] and found.with_abstentions == 0.5


def test_long_curves_are_thinned_to_points_that_lie_on_them() -> None:
    n = 1_000
    values = np.random.default_rng(0).uniform(size=n)
    labels = {f"f{i}": label(i, confidence=1 - i / n) for i in range(n)}
    found = Curve.of(scored_run("a", values.tolist(), **labels), "output", range(n))
    assert len(found.points) == MOST_POINTS and found.points[-1].coverage == 1.0
    assert all(a.coverage < b.coverage for a, b in pairwise(found.points))
    taken = round(found.points[37].coverage * n)
    assert found.points[37].score == pytest.approx(values[:taken].mean())
