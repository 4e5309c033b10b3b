"""How far a feature's direct effect, its logit weights, foretells what the running model does when it is steered."""

from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr

from ..progress import Progress, silent
from ..results import DirectEffect
from ..subject.subject import Subject
from .contexts import Contexts
from .measure import measure
from .steering import everywhere
from .watched import Watched
from .writing import written_row

TOP = 20


def direct_effect(
    subject: Subject,
    feature: int,
    logit_weights: np.ndarray,
    contexts: Contexts,
    watched: Watched,
    scale: float,
    progress: Progress = silent,
) -> DirectEffect:
    """Compare logit weights of the watched tokens (T,) with the mean change of their log-probabilities under steering.

    `scale`, an activation, times the feature is added at every token that is not special. Raises UsageError for a
    feature that writes nothing.
    """
    amounts, acting = everywhere(subject, contexts, scale)
    row = written_row(subject, feature)[None]
    changes = measure(subject, contexts.windows, amounts, acting, row, watched, progress).tokens[0]
    top = [set(np.argsort(-values, kind="stable")[:TOP].tolist()) for values in (logit_weights, changes)]
    return DirectEffect(
        spearman=float(spearmanr(logit_weights, changes).statistic),
        shared_top=len(top[0] & top[1]),
        top=min(TOP, len(changes)),
        contexts=len(contexts.windows),
        scale=scale,
    )
