"""Bands of how often features fire, a factor of ten each."""

from __future__ import annotations

import numpy as np

# Each band's name and where it ends.
_BANDS = (
    ("below 1e-5", 1e-5),
    ("1e-5 to 1e-4", 1e-4),
    ("1e-4 to 1e-3", 1e-3),
    ("1e-3 to 1e-2", 1e-2),
    ("1e-2 and above", np.inf),
)
BANDS = tuple(name for name, _ in _BANDS)


def band(share: float) -> str:
    """The band of a share; nothing for NaN."""
    return next((name for name, end in _BANDS if share < end), "")
