"""Steering: what the model predicts once a feature is added at every token."""

from __future__ import annotations

import math

import numpy as np

from ..errors import UsageError
from ..progress import Progress, silent
from ..results import EffectResult
from ..subject.subject import Subject
from .contexts import Contexts
from .measure import measure
from .summary import summarise
from .watched import Watched
from .writing import random_rows, token_scales, written_row

RANDOM = 32
MIN_RANDOM = 16


def steer(
    subject: Subject,
    feature: int,
    contexts: Contexts,
    watched: Watched,
    scale: float,
    *,
    strength: float = 1.0,
    random: int = RANDOM,
    progress: Progress = silent,
) -> EffectResult:
    """Add `strength` times `scale`, an activation, of a feature at every token but BOS and special ones.

    The same is done with `random` directions of the same norm. Raises UsageError for a strength that is not finite, a
    scale that is not positive, fewer than MIN_RANDOM directions and a feature that does not exist or writes nothing.
    """
    if not math.isfinite(strength):
        raise UsageError(f"A strength of {strength} steers nowhere: give a number, such as 1 or -0.5.")
    if not (math.isfinite(scale) and scale > 0):
        raise UsageError(f"A scale of {scale} is no activation: give a number above 0.")
    directions = feature_and_random(subject, feature, random)
    amounts, acting = everywhere(subject, contexts, strength * scale)
    found = measure(subject, contexts.windows, amounts, acting, directions, watched, progress)
    return summarise(subject, feature, contexts, watched, found, strength=strength, scale=scale)


def everywhere(subject: Subject, contexts: Contexts, amount: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """`amount` at every token of each context that is not special, by the token's own scale, and where that is."""
    special = list(subject.vocabulary.special)
    acting = [~np.isin(window, special) for window in contexts.windows]
    amounts = [
        np.where(own, amount * factors, 0).astype(np.float32)
        for own, factors in zip(acting, token_scales(subject, contexts.windows), strict=True)
    ]
    return amounts, acting


def feature_and_random(subject: Subject, feature: int, random: int) -> np.ndarray:
    """A feature's row, then `random` directions of its norm: (1 + random, width); raises UsageError for too few."""
    if random < MIN_RANDOM:
        raise UsageError(f"{random} random directions are too few to compare with: use at least {MIN_RANDOM}.")
    return np.concatenate([written_row(subject, feature)[None], random_rows(subject, feature, random)])
