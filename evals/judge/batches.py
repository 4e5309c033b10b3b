"""Items dealt into prompts: shuffled from a seed, and balanced."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SEED = 0


def shuffling(feature: int) -> np.random.Generator:
    """What shuffles the items of a feature: the same for every statement about it."""
    return np.random.default_rng([SEED, feature])


def dealt(classes: Sequence[int], size: int, rng: np.random.Generator) -> list[list[int]]:
    """Places 0 to n - 1 in batches of up to `size`, shuffled, each class spread over the batches evenly."""
    labels = np.asarray(classes)
    order = rng.permutation(len(labels))
    share = np.empty(len(labels))  # how far into its class an item stands
    for one in np.unique(labels):
        own = order[labels[order] == one]
        share[own] = (np.arange(len(own)) + 0.5) / len(own)
    order = order[np.argsort(share[order], kind="stable")]
    return [rng.permutation(order[begin : begin + size]).tolist() for begin in range(0, len(order), size)]


def dealt_pairs(pairs: int, size: int, rng: np.random.Generator) -> list[list[int]]:
    """Places 2 i and 2 i + 1 of each pair i in batches of up to `size`, never both in one.

    Half of the pairs have their first place before the second.
    """
    first = rng.permutation(pairs) % 2
    passes = (first, 1 - first)
    return [
        [2 * pair + int(side[pair]) for pair in batch] for side in passes for batch in dealt(side.tolist(), size, rng)
    ]
