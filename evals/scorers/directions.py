"""Scores of output claims by direction: what a statement says is promoted, and what suppressed, count alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..exam.test_tokens import DIRECTIONS, Direction
from ..scores import Score, Statement


def mean_over_claims(statement: Statement, chance: float, score: Callable[[Direction], Score]) -> Score:
    """The mean score of the directions that a statement claims and that can be examined, with details by direction.

    Unscored, with the reason, where none of them can be; chance for a statement that claims none.
    """
    scores = {name: score(name) for name in DIRECTIONS if getattr(statement, name)}
    if not scores:
        return Score(chance)
    known = {name: one for name, one in scores.items() if one.value is not None}
    if not known:
        return next(iter(scores.values()))
    details: Mapping[str, object] = {name: {"value": one.value, **one.details} for name, one in known.items()}
    value = float(np.mean([one.value for one in known.values() if one.value is not None]))
    return Score(value, sum(one.n for one in known.values()), details=details)
