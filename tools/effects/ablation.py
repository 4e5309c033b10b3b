"""Ablation: what the model predicts once a feature's own part is taken out."""

from __future__ import annotations

from ..progress import Progress, silent
from ..results import EffectResult
from ..subject.reading import require_encoder
from ..subject.subject import Subject
from .contexts import Contexts
from .measure import measure
from .steering import RANDOM, feature_and_random
from .summary import summarise
from .watched import Watched
from .writing import activations, token_scales


def ablate(
    subject: Subject,
    feature: int,
    contexts: Contexts,
    watched: Watched,
    *,
    random: int = RANDOM,
    progress: Progress = silent,
) -> EffectResult:
    """Subtract activation times row at each token but BOS: all else, the dictionary's error included, stays.

    The same amounts are subtracted along `random` directions of the row's norm. Token and set changes are means over
    the tokens on which the feature fires, with an activation above 0; what a neuron lets through below 0 is taken out
    too. Raises UsageError for bare directions, too few random directions and a
    feature that does not exist or writes nothing.
    """
    require_encoder(subject)
    directions = feature_and_random(subject, feature, random)
    found = activations(subject, contexts.windows, feature, progress)
    scales = token_scales(subject, contexts.windows)
    amounts = [-own * factors for own, factors in zip(found, scales, strict=True)]
    acting = [own > 0 for own in found]
    measured = measure(subject, contexts.windows, amounts, acting, directions, watched, progress)
    return summarise(subject, feature, contexts, watched, measured)
