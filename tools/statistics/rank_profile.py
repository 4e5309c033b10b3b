"""Rankings small enough to keep: the rank of every token, and the weights as a profile over ranks.

The profile holds weights at all ranks near both ends and ever fewer toward the middle, where they are interpolated.
ES with p=0 and AUROC from stored rankings are exact; what needs weights (mass, mean, ES with p=1) is off by about
1e-3 at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _profile_kernels
from .mass import CLIP
from .names import Statistic
from .ranks import descending_order
from .threads import over_blocks

_EXACT_ENDS = 256  # ranks at both ends that are knots
_GROWTH = 0.02  # knots lie this share of their distance from the end apart
_ROWS = 256


@dataclass(frozen=True)
class StoredRankings:
    """R rankings of V tokens; every array may be memory-mapped."""

    ranks: NDArray[np.unsignedinteger[Any]]  # (V, R): rank of each token, one row a token
    ties: NDArray[np.uint64]  # (R, words): bit r says that ranks r - 1 and r hold equal weights
    profiles: NDArray[np.float32]  # (R, 3, K): standardised weight x, exp(x), exp(-x) at the knots
    background: NDArray[np.float64]  # (R, 2): means over all tokens of the last two; NaN for a constant row

    @staticmethod
    def shapes(rows: int, tokens: int) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Shape and type of each array."""
        # uint16 holds the ranks of 65,536 tokens.
        rank = np.dtype(np.uint16 if tokens <= 2**16 else np.uint32)
        return {
            "ranks": ((tokens, rows), rank),
            "ties": ((rows, -(-tokens // 64)), np.dtype(np.uint64)),
            "profiles": ((rows, 3, len(knots(tokens))), np.dtype(np.float32)),
            "background": ((rows, 2), np.dtype(np.float64)),
        }

    def store(self, start: int, standardised: NDArray[np.float32]) -> None:
        """Write the rankings of standardised weights (n, V), NaN in constant rows, as rows start to start + n."""
        stop = start + len(standardised)
        weights = np.nan_to_num(standardised)
        order = descending_order(weights)
        ranks = np.empty(order.shape, dtype=self.ranks.dtype)
        np.put_along_axis(ranks, order, np.arange(weights.shape[1], dtype=ranks.dtype)[None], axis=1)
        self.ranks[:, start:stop] = ranks.T
        ranked = np.take_along_axis(weights, order, axis=1)
        equal = np.zeros((len(ranked), 64 * self.ties.shape[1]), dtype=bool)
        equal[:, 1 : ranked.shape[1]] = ranked[:, 1:] == ranked[:, :-1]
        self.ties[start:stop] = np.packbits(equal, axis=1, bitorder="little").view(np.uint64)
        places = knots(weights.shape[1])
        for side, sign in ((1, 1), (2, -1)):
            raised = np.exp(np.minimum(sign * ranked, CLIP))
            self.profiles[start:stop, side] = raised[:, places]
            self.background[start:stop, side - 1] = raised.mean(axis=1, dtype=np.float64)
        self.profiles[start:stop, 0] = ranked[:, places]
        self.background[start:stop][np.isnan(standardised).any(axis=1)] = np.nan

    def scores(self, members: NDArray[np.int64], rows: slice) -> dict[Statistic, NDArray[np.float64]]:
        """Values (n, 2), promoted and suppressed, of every statistic but the mass, of one set in n rows.

        `members` are positions in the universe.
        """
        found = self._filled(_profile_kernels.score_stored, _profile_kernels.N_VALUES, members, rows, self.ties)
        mean, auroc = found[:, 0], found[:, 1]
        return {
            "mean": np.stack([mean, -mean], axis=1),
            "rank_sum": np.stack([auroc, 1 - auroc], axis=1),
            "es_p0": found[:, 2:4],
            "es_p1": found[:, 4:6],
        }

    def masses(self, members: NDArray[np.int64], rows: slice) -> dict[Statistic, NDArray[np.float64]]:
        """As `scores`, of the mass."""
        return {"mass": self._filled(_profile_kernels.mass_stored, 2, members, rows)}

    def variation(self, rows: slice) -> NDArray[np.float64]:
        """Coefficient of variation (n, 2) over all tokens of exp(x) and exp(-x), clipped as in the mass, in n rows."""
        count, fraction, square = _segments(self.ranks.shape[0])
        profiles = np.asarray(self.profiles)[rows, 1:].astype(np.float64)
        start, step = profiles[:, :, :-1], np.diff(profiles, axis=2)
        # Of a + f (b - a), summed over the fractions f of the ranks of each segment.
        summed = start**2 @ count + 2 * (start * step) @ fraction + step**2 @ square
        mean = np.asarray(self.background)[rows]
        return np.sqrt(np.maximum(summed / self.ranks.shape[0] - mean**2, 0)) / mean

    def _filled(
        self, kernel: Callable[..., None], columns: int, members: NDArray[np.int64], rows: slice, *more: Any
    ) -> NDArray[np.float64]:
        """What a kernel computes of one set in rows, in threads."""
        knot, fraction = _interpolation(self.ranks.shape[0])
        values = np.empty((rows.stop - rows.start, columns))
        ranks = np.asarray(self.ranks)[:, rows]
        by_row = [np.asarray(array)[rows] for array in (*more, self.profiles, self.background)]

        def fill(first: int, last: int) -> None:
            for start in range(first, last, _ROWS):
                kernel(start, min(start + _ROWS, last), ranks, *by_row, knot, fraction, members, values)

        over_blocks(len(values), fill)
        return values


def knots(tokens: int) -> NDArray[np.int64]:
    """Ranks whose weights are kept, ascending, the first and the last among them."""
    half = (tokens + 1) // 2
    places = list(range(min(_EXACT_ENDS, half)))
    while places[-1] < half - 1:
        places.append(min(half - 1, places[-1] + max(1, int(_GROWTH * places[-1]))))
    lower = np.array(places, dtype=np.int64)
    return np.unique(np.concatenate([lower, tokens - 1 - lower]))


@lru_cache(maxsize=4)
def _segments(tokens: int) -> tuple[NDArray[np.float64], ...]:
    """Of the ranks between each two knots: how many, the sum of their fractions, and that of the fractions' squares."""
    knot, fraction = _interpolation(tokens)
    segments, exact = len(knots(tokens)) - 1, fraction.astype(np.float64)
    return tuple(np.bincount(knot, exact**power, segments).astype(np.float64) for power in range(3))


@lru_cache(maxsize=4)
def _interpolation(tokens: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Of every rank, the knot before it and how far it stands on the way to the next one."""
    places = knots(tokens)
    ranks = np.arange(tokens)
    before = np.clip(np.searchsorted(places, ranks, side="right") - 1, 0, len(places) - 2)
    width = places[before + 1] - places[before]
    return before.astype(np.int32), ((ranks - places[before]) / width).astype(np.float32)
