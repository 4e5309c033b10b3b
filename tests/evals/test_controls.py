"""Controls: which statement stands in for which."""

from __future__ import annotations

import numpy as np

from tsea.evals.controls import EVERYTHING, controls
from tsea.evals.scores import EMPTY, Statement

STATEMENTS = {feature: Statement(f"label {feature}") for feature in (3, 1, 4, 15, 9)}


def test_shuffled_labels_are_a_permutation_in_which_nobody_keeps_the_own_one() -> None:
    found = controls(STATEMENTS, None)
    given = {feature: own["shuffled"] for feature, own in found.items()}
    assert sorted(one.text for one in given.values()) == sorted(one.text for one in STATEMENTS.values())
    assert all(given[feature] is not STATEMENTS[feature] for feature in STATEMENTS)
    assert controls(STATEMENTS, None) == found
    assert any(controls(STATEMENTS, None, seed) != found for seed in range(1, 5))


def test_similar_density_is_the_nearest_other_in_ratio() -> None:
    density = np.zeros(16)
    density[[1, 3, 4, 9, 15]] = [0.001, 0.1, 0.2, 0.0, 0.00101]
    found = controls(STATEMENTS, density)
    nearest = {feature: own["similar density"].text for feature, own in found.items()}
    assert nearest == {1: "label 15", 15: "label 1", 3: "label 4", 4: "label 3", 9: "label 1"}


def test_constants_are_always_there_and_a_single_label_has_no_other() -> None:
    found = controls({7: STATEMENTS[3]}, np.ones(8))
    assert found == {7: {"empty": EMPTY, "everything": EVERYTHING}}
    assert controls({}, None) == {}
