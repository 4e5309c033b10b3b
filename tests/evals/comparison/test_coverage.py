from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from compared import OUTPUT, label, scored_run

from tsea.evals.comparison.coverage import MOST_POINTS, Curve


def _pairs(curve: Curve) -> list[tuple[float, float]]:
    return [(point.coverage, point.score) for point in curve.points]


def test_the_most_confident_labels_come_first_and_abstentions_are_not_covered() -> None:
    run = scored_run(
        "a",
        [1.0, 0.8, 0.5, 0.6, 0.2],
        abstaining=[2],
        labels=[
            label(0, confidence=0.9),
            label(1, confidence=0.95),
            label(2, status="no_claim", confidence=1.0),
            label(3),  # no confidence stated: last
            label(4, confidence=0.3),
        ],
    )
    found = Curve.of(run, OUTPUT, [0, 1, 2, 3, 4])
    assert _pairs(found) == [
        (0.2, 0.8),
        (0.4, pytest.approx(0.9)),
        (0.6, pytest.approx(2 / 3)),
        (0.8, pytest.approx(0.65)),
    ]
    assert found.with_abstentions == pytest.approx(3.1 / 5) and found.n == 5


def test_labels_of_one_confidence_come_together() -> None:
    labels = [label(0, confidence=0.7), label(1, confidence=0.7), label(2, confidence=0.1)]
    run = scored_run("a", [1.0, 0.0, 0.5], labels=labels)
    assert _pairs(Curve.of(run, OUTPUT, [0, 1, 2])) == [(pytest.approx(2 / 3), 0.5), (1.0, 0.5)]


def test_a_run_that_says_nothing_has_no_points() -> None:
    found = Curve.of(scored_run("a", [0.5, 0.5], abstaining=[0, 1]), OUTPUT, [0, 1])
    assert found.points == [] and found.with_abstentions == 0.5


def test_long_curves_are_thinned_to_points_that_lie_on_them() -> None:
    n = 1_000
    values = np.random.default_rng(0).uniform(size=n)
    labels = [label(i, confidence=1 - i / n) for i in range(n)]
    found = Curve.of(scored_run("a", values.tolist(), labels=labels), OUTPUT, range(n))
    assert len(found.points) == MOST_POINTS and found.points[-1].coverage == 1.0
    assert all(a.coverage < b.coverage for a, b in pairwise(found.points))
    taken = round(found.points[37].coverage * n)
    assert found.points[37].score == pytest.approx(values[:taken].mean())
