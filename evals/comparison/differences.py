"""The mean of paired differences, with its interval and p; as a whole and by kind of feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..bootstrap import interval
from .paired import Paired
from .permutation import sign_flip_p


@dataclass(frozen=True)
class Difference:
    """Mean of n paired differences, run minus baseline, and its 95 % percentile interval by resampling features.

    Nothing where n = 0, no interval where n < 2. `p` is that of `sign_flip_p`, for this comparison alone.
    """

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int

    @classmethod
    def of(cls, differences: np.ndarray) -> Difference:
        """Of differences (n,)."""
        n = len(differences)
        low, high = interval(differences) or (None, None)
        return cls(float(differences.mean()) if n else None, low, high, sign_flip_p(differences), n)


@dataclass(frozen=True)
class Outcomes:
    """Features on which the run scores higher than the baseline, the same, and lower."""

    win: int
    tie: int
    loss: int

    @classmethod
    def of(cls, differences: np.ndarray) -> Outcomes:
        """Of differences (n,)."""
        win, loss = int(np.count_nonzero(differences > 0)), int(np.count_nonzero(differences < 0))
        return cls(win, len(differences) - win - loss, loss)


@dataclass(frozen=True)
class Group:
    """The difference among the features of one class, or of one band of density; described, not tested."""

    group: str
    difference: float
    low: float | None
    high: float | None
    n: int


def by_group(paired: Paired, group_of: Mapping[int, str], names: Sequence[str]) -> list[Group]:
    """The groups of these names that have features, in that order."""
    own = np.array([group_of.get(feature, "") for feature in paired.features.tolist()])
    groups: list[Group] = []
    for name in names:
        if len(found := paired.differences[own == name]):
            low, high = interval(found) or (None, None)
            groups.append(Group(name, float(found.mean()), low, high, len(found)))
    return groups
