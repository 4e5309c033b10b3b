"""Decoder directions that promote what was planted.

A planted direction is a background direction of unit length plus, for each of its sets, `strength` / sqrt(D) times the
set's own direction: its mean whitened unembedding column, scaled to unit length. Since the covariance of the whitened
columns is the identity, that is the direction which raises the set's whitened logit weights most for its length
(Fisher's discriminant between members and all tokens). Along it, isotropic directions vary by 1 / sqrt(D) whatever the
set: `strength` counts how many of these standard deviations the set's mean is raised by, and the power of a test on the
mean depends on it alone, not on the set's size. (Raising every member by a given number of logits instead would make
large sets certain and small ones hopeless at the same figure.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from ...tools.directions import direction_model
from ...tools.statistics.directions import unit_rows
from ...tools.subject.subject import Subject

# Where nothing is planted, what the direction null holds: of *present* for isotropic background, of *specific* for
# background drawn as this dictionary's directions are.
Background = Literal["isotropic", "dictionary"]
_SEED = 47


def background_rows(subject: Subject, background: Background, count: int) -> np.ndarray:
    """Unit directions (count, D) in which nothing is planted; the same ones each time."""
    model = direction_model(subject, "present" if background == "isotropic" else "specific")
    return unit_rows(model.sample(count, [_SEED]).numpy())


def planted_part(subject: Subject, sets: Sequence[np.ndarray], strength: float) -> np.ndarray:
    """What is added to a unit background direction to plant sets of token ids: (D,), zero for none."""
    own = [subject.whitened[:, np.isin(subject.universe, ids)].mean(axis=1, dtype=np.float64) for ids in sets]
    rows = unit_rows(np.array(own).reshape(len(own), subject.d_model))
    return rows.sum(axis=0) * strength / np.sqrt(subject.d_model)
