"""Logit weights of directions, computed in blocks of features so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch

# One block holds about this many float32 logit weights (64 MB). It depends on nothing but the vocabulary, so that the
# same run is cut into the same blocks on every machine and a resumed run repeats the very same arithmetic.
BLOCK_ELEMENTS = 2**24
_NEAR_ELEMENTS = 2**19


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
    standardised = torch.empty_like(weights)
    for part in near_rows(weights):
        mean = weights[part].mean(dim=1, keepdim=True)
        centred = torch.sub(weights[part], mean, out=standardised[part])
        norms = cast(torch.Tensor, torch.linalg.vector_norm(centred, dim=1, keepdim=True))  # pyright: ignore
        scale = norms / weights.shape[1] ** 0.5
        # Rounding leaves a constant row with a tiny spread instead of none.
        centred.div_(torch.where(scale > 1e-6 * mean.abs(), scale, torch.nan))
    return standardised


def near_rows(weights: torch.Tensor) -> Iterator[slice]:
    """Consecutive rows (F, V) few enough to stay in the processor's cache; on an accelerator all at once."""
    count = len(weights)
    rows = max(1, _NEAR_ELEMENTS // max(weights.shape[1], 1)) if weights.device.type == "cpu" else max(count, 1)
    for start in range(0, count, rows):
        yield slice(start, min(start + rows, count))


def constant_as_zero(standardised: torch.Tensor) -> torch.Tensor:
    """Standardised weights (F, V) whose rows that rank nothing are 0 instead of NaN, which the kernels know as such."""
    unranked = standardised[:, 0].isnan()
    return torch.where(unranked[:, None], 0.0, standardised) if bool(unranked.any()) else standardised
