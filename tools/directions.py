"""Random directions of a subject: the models that reference directions are drawn from, and decoys."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np

from .statistics.directions import DirectionModel, NullName
from .subject.subject import Subject

SEED = {
    "present": 11,
    "specific": 12,
    "decoy": 13,
    "overlap": 14,
    "shape": 15,
    "tails": 16,
    "index": 17,
    "effect": 18,
    "reading_open": 42,
    "reading_confirm": 43,
    "reading_decoy": 44,
}


def direction_model(subject: Subject, null: NullName) -> DirectionModel:
    """The model that reference directions of a null are drawn from."""
    if null == "present":
        return DirectionModel.isotropic(subject.d_model)
    return subject.direction_model


def matched_directions(subject: Subject, count: int, purpose: Literal["decoy", "shape"] = "decoy") -> np.ndarray:
    """Random directions (count, D) with the decoder's mean and covariance, for one purpose; no null is made of them."""
    return direction_model(subject, "specific").sample(count, [SEED[purpose]]).numpy()


def matched_rows(rows: np.ndarray, count: int) -> np.ndarray:
    """Random directions (count, width) with the mean and covariance of a dictionary's rows (n, width), for effects.

    The rows are as the dictionary writes them at its hook point, which need not be the residual stream.
    """
    return DirectionModel.of_rows(rows).sample(count, [SEED["effect"]]).numpy()


def isotropic_rows(width: int, count: int) -> np.ndarray:
    """Random directions (count, width), every direction equally likely, for effects."""
    return np.random.default_rng([SEED["effect"]]).standard_normal((count, width), dtype=np.float32)


def null_identity(subject: Subject, null: NullName) -> hashlib.blake2b:
    """Digest of what a null's directions and their logit weights depend on."""
    digest = hashlib.blake2b(null.encode(), digest_size=16)
    if null == "specific":
        digest.update(subject.hash.encode())
    else:
        # Isotropic directions know nothing of the dictionary: all dictionaries on a model share them.
        digest.update(np.ascontiguousarray(subject.unembedding).data)
    return digest
