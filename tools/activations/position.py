"""How far a feature's activation depends on where in its row a token stands."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .part import Part


class PositionProfile(NamedTuple):
    """Share of the variance of activation that the place in the row explains, and mean activation at each place.

    `explained` is None for a feature that never fires or always does so alike.
    """

    explained: float | None
    means: np.ndarray


def position_profile(part: Part, feature: int) -> PositionProfile:
    """The profile of a feature over all tokens of the part, silent ones included.

    The share is eta squared: the sum of squares between places over the whole (Fisher 1925).
    """
    found = part.firings(feature)
    counts = part.place_counts
    values = found.values.astype(np.float64)
    sums = np.bincount(part.places(found.positions), values, minlength=len(counts))
    means = np.divide(sums, counts, out=np.zeros(len(counts)), where=counts > 0)
    mean = sums.sum() / counts.sum()
    whole = np.square(values).sum() - counts.sum() * mean**2
    between = (counts * np.square(means - mean)).sum()
    return PositionProfile(float(between / whole) if whole > 0 else None, means)
