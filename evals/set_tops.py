"""Means of a set's few largest values, for many rows and sets."""

from __future__ import annotations

import numpy as np

from ..tools.statistics._jit import compiled
from ..tools.statistics.enrichment import SetIndex
from ..tools.statistics.threads import over_blocks


def top_means(values: np.ndarray, sets: SetIndex, counts: tuple[int, ...]) -> np.ndarray:
    """Means (counts, n, S) of each set's so many largest members, or of all where it has fewer, from values (n, V)."""
    values = np.ascontiguousarray(values, dtype=np.float32)
    result = np.empty((len(counts), len(values), len(sets)), dtype=np.float32)
    wanted = np.array(counts)
    over_blocks(
        len(values),
        lambda start, stop: _top_means(values[start:stop], sets.pointers, sets.members, wanted, result[:, start:stop]),
    )
    return result


@compiled
def _top_means(
    values: np.ndarray, pointers: np.ndarray, members: np.ndarray, counts: np.ndarray, result: np.ndarray
) -> None:
    top = np.empty(counts.max(), dtype=np.float32)
    for row in range(values.shape[0]):
        for column in range(pointers.size - 1):
            kept = min(top.size, pointers[column + 1] - pointers[column])
            top[:kept] = -np.inf  # ascending: the first is the one to beat
            for place in range(pointers[column], pointers[column + 1]):
                value = values[row, members[place]]
                if value > top[0]:
                    at = 1
                    while at < kept and top[at] < value:
                        top[at - 1] = top[at]
                        at += 1
                    top[at - 1] = value
            for number in range(counts.size):
                count = min(kept, counts[number])
                result[number, row, column] = top[kept - count : kept].sum() / count
