"""How often features fire."""

from __future__ import annotations

import numpy as np

from ..tools.activations.indexing import has_index, open_index
from ..tools.activations.part import explore
from ..tools.subject.subject import Subject


def feature_density(subject: Subject) -> np.ndarray | None:
    """Share of tokens on which each feature fires, (features,): by the index where there is one, else as stated."""
    if not has_index(subject):
        return subject.density
    part = explore(open_index(subject), subject.vocabulary.special)
    return part.totals.firings / part.token_counts.sum()
