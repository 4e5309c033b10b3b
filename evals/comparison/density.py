"""How often features fire, in bands of a factor of ten."""

from __future__ import annotations

import numpy as np

from ...tools.activations.indexing import has_index, open_index
from ...tools.activations.part import explore
from ...tools.subject.subject import Subject

# Each band's name and where it ends.
_BANDS = (
    ("below 1e-5", 1e-5),
    ("1e-5 to 1e-4", 1e-4),
    ("1e-4 to 1e-3", 1e-3),
    ("1e-3 to 1e-2", 1e-2),
    ("1e-2 and above", np.inf),
)
BANDS = tuple(name for name, _ in _BANDS)


def feature_density(subject: Subject) -> np.ndarray | None:
    """Share of tokens on which each feature fires, (features,): by the index where there is one, else as stated."""
    if not has_index(subject):
        return subject.density
    part = explore(open_index(subject), subject.vocabulary.special)
    return part.totals.firings / part.token_counts.sum()


def band(share: float) -> str:
    """The band of a share; nothing for NaN."""
    return next((name for name, end in _BANDS if share < end), "")
