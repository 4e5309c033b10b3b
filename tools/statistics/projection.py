"""Logit weights of directions, computed in blocks of features so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator

import torch

# One block holds about this many float32 logit weights (64 MB). It depends on nothing but the vocabulary, so that the
# same run is cut into the same blocks on every machine and a resumed run repeats the very same arithmetic.
BLOCK_ELEMENTS = 2**24


def block_size(vocabulary: int) -> int:
    """How many features one block holds for a vocabulary of this many tokens (at least one)."""
    return max(1, min(2048, BLOCK_ELEMENTS // max(vocabulary, 1)))


def blocks(count: int, vocabulary: int) -> Iterator[slice]:
    """Cut `count` features into consecutive blocks."""
    size = block_size(vocabulary)
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def logit_weights(directions: torch.Tensor, unembedding: torch.Tensor) -> torch.Tensor:
    """Logit weights (F, V) of directions (F, D) through a folded, centred unembedding (D, V), in float32."""
    return directions.to(unembedding) @ unembedding


def standardise(weights: torch.Tensor) -> torch.Tensor:
    """Each row (F, V) minus its mean, over its standard deviation; a constant row becomes NaN (it ranks nothing)."""
    centred = weights - weights.mean(dim=1, keepdim=True)
    scale = centred.square().mean(dim=1, keepdim=True).sqrt()
    # Rounding leaves a constant row with a tiny spread instead of none.
    floor = 1e-6 * weights.abs().amax(dim=1, keepdim=True)
    return torch.where(scale > floor, centred / scale, torch.nan)
