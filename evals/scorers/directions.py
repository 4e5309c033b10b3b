"""Scores of output claims by direction: what a statement says is promoted, and what suppressed, count alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..exam.test_tokens import DIRECTIONS, Direction
from ..scores import Score, Statement


def mean_over_claims(statement: Statement, chance: float, score: Callable[[Direction], Score]) -> Score:
    """The mean score of the directions that a statement claims, with details by direction; chance for one without."""
    scores = {name: score(name) for name in DIRECTIONS if getattr(statement, name)}
    if not scores:
        return Score(chance)
    details: Mapping[str, object] = {name: {"value": one.value, **one.details} for name, one in scores.items()}
    value = float(np.mean([one.value for one in scores.values() if one.value is not None]))
    return Score(value, sum(one.n for one in scores.values()), details=details)
