"""Synthetic benchmark data: a dictionary, an unembedding with heavy-tailed logit weights, and random token sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

THREADS = 2  # of every method
# Text models as small as GPT-2 have this vocabulary; 15 to 33,000 tokens spans its library of token sets.
VOCABULARY = 50_257


@dataclass(frozen=True)
class Workload:
    """What is scored, as a recipe: the same fields give the same arrays, and fewer features the first of the same rows.

    `set_sizes` is (smallest, largest, number of sets), sizes evenly spaced on a log scale.
    """

    features: int
    set_sizes: tuple[int, int, int]
    tokens: int = VOCABULARY
    width: int = 64
    seed: int = 0

    def first(self, features: int) -> Workload:
        """The first features of this workload, all of them when it has no more."""
        return replace(self, features=min(features, self.features))

    def small(self) -> Workload:
        """A tiny workload of the same kind, to import and compile everything before the clock runs."""
        return replace(self, features=2, tokens=600, width=min(self.width, 16), set_sizes=(15, 300, 8))

    def decoder(self) -> np.ndarray:
        """Decoder directions (features, width), float32 of norm 1."""
        rows = np.random.default_rng([self.seed, 1]).laplace(size=(self.features, self.width))
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def unembedding(self) -> np.ndarray:
        """Unembedding (width, tokens), float32, centred over tokens; token norms differ, which makes tails heavy."""
        rng = np.random.default_rng([self.seed, 2])
        columns = rng.standard_normal((self.width, self.tokens), dtype=np.float32)
        columns *= rng.lognormal(sigma=0.4, size=self.tokens).astype(np.float32)
        return columns - columns.mean(axis=1, keepdims=True)

    def weights(self) -> np.ndarray:
        """Logit weights (features, tokens), float32."""
        return self.decoder() @ self.unembedding()

    def sets(self) -> list[np.ndarray]:
        """Token sets, each an array of distinct token positions."""
        rng = np.random.default_rng([self.seed, 3])
        smallest, largest, count = self.set_sizes
        sizes = np.geomspace(smallest, largest, count).round().astype(int)
        return [rng.choice(self.tokens, size, replace=False) for size in sizes]

    def token_names(self) -> list[str]:
        """Names of the tokens, as gene-set software wants them."""
        return [f"t{position}" for position in range(self.tokens)]

    def named_sets(self) -> dict[str, list[str]]:
        """Token sets by name, each a list of token names."""
        return {f"s{i}": [f"t{position}" for position in one] for i, one in enumerate(self.sets())}


# Loads and converts the data of a workload, and returns the work to be timed.
Prepare = Callable[[Workload], Callable[[], object]]
