"""Features that fire where a feature fires."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .part import Part

MOST = 20


class CoFiring(NamedTuple):
    """Features that co-fire with one, closest first: firings that both share over those that either has (Jaccard)."""

    features: np.ndarray
    shared: np.ndarray
    jaccard: np.ndarray


def cofiring(part: Part, feature: int, most: int = MOST) -> CoFiring:
    """The features with the largest Jaccard index of firings on the part, the feature itself left out."""
    positions = part.firings(feature).positions
    shared = part.firings_at(positions)
    shared[feature] = 0
    either = len(positions) + part.totals.firings - shared
    jaccard = np.divide(shared, either, out=np.zeros(len(shared)), where=either > 0)
    chosen = np.argsort(-jaccard, kind="stable")[:most]
    chosen = chosen[shared[chosen] > 0]
    return CoFiring(chosen, shared[chosen], jaccard[chosen])
