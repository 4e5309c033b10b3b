"""Bins of ranks: single ranks at both ends, where |weight| is large, wider toward the middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ENDS = 16  # ranks at both ends with a bin of their own
_GROWTH = 0.4  # how much wider bins become with the distance from the end
_GAUSSIAN = (
    0.5826  # -zeta(1/2) / sqrt(2 pi): a normal walk's mean overshoot (Siegmund 1985, Sequential Analysis, ch. 10)
)


@dataclass(frozen=True)
class RankBins:
    """Consecutive bins of the ranks 0..V-1 as their edges, (B + 1,)."""

    edges: Integers

    @classmethod
    def over(cls, n_tokens: int, middle: int) -> RankBins:
        """Bins of a universe, the widest holding 1 / `middle` of it."""
        half, widest = n_tokens // 2, max(1, n_tokens // middle)
        lower = [0]
        while lower[-1] < half:
            lower.append(min(half, lower[-1] + max(1, min(widest, int(_GROWTH * (lower[-1] - _ENDS))))))
        near = np.array(lower, dtype=np.int64)
        return cls(np.unique(np.concatenate([near, n_tokens - near])))

    @property
    def n_tokens(self) -> int:
        """Number of ranks in all bins."""
        return int(self.edges[-1])

    @property
    def widths(self) -> Integers:
        """Number of ranks per bin, (B,)."""
        return np.diff(self.edges)

    def means(self, magnitudes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean per bin of values by rank: (F, V) -> (F, B)."""
        return (np.add.reduceat(magnitudes, self.edges[:-1], axis=1) / self.widths).astype(np.float32)

    def overshoot(self, size: int) -> Floats:
        """How far extremes of the running sum of `size` members pass its values at the ends of bins, (B,), in jumps.

        A walk read once a bin passes a level by about 0.5826 standard deviations of its steps; read at every rank it
        still does so, by a part of a jump, which is why only the difference counts.
        """
        widths = self.widths
        share = size / self.n_tokens
        spread = np.sqrt(widths * share * (1 - share))
        single = 1 / 6 + share * (1 - share) / 3
        return np.where(widths == 1, 0.0, np.maximum(0.0, _GAUSSIAN * spread - single))
