"""The activation corpus that the package ships: text sampled from the pocket language model itself."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from transformers import GPT2LMHeadModel

from .recipe import Recipe

BATCH = 256


def sample_corpus(model: GPT2LMHeadModel, out: Path, recipe: Recipe) -> None:
    """Write `out` (npz): `tokens` (rows, context) uint16, each row BOS and then tokens at the recipe's temperature.

    Batch b is drawn with seed b, stored as `seeds`, so that the corpus can be drawn again.
    """
    batches = -(-recipe.sampled_tokens // (BATCH * (recipe.model.context - 1)))
    rows = [_batch(model, seed, recipe) for seed in range(batches)]
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        tokens=np.concatenate(rows),
        seeds=np.arange(batches),
        temperature=np.array(recipe.temperature),
    )
    out.write_bytes(buffer.getvalue())


def _batch(model: GPT2LMHeadModel, seed: int, recipe: Recipe) -> np.ndarray:
    uniform = torch.from_numpy(np.random.default_rng(seed).random((recipe.model.context - 1, BATCH), dtype=np.float32))
    tokens = [torch.zeros(BATCH, 1, dtype=torch.long)]
    past = None
    with torch.inference_mode():
        for draw in uniform:
            state = model.transformer(tokens[-1], past_key_values=past, use_cache=True)
            past = state.past_key_values
            logits = state.last_hidden_state[:, -1] @ model.lm_head.weight.T / recipe.temperature
            # Inverting the cumulative distribution is several times faster here than torch.multinomial.
            cumulative = logits.softmax(dim=1).cumsum(dim=1)
            tokens.append(torch.searchsorted(cumulative, draw[:, None] * cumulative[:, -1:], right=True))
    return torch.cat(tokens, dim=1).clamp_(max=recipe.model.vocabulary - 1).numpy().astype(np.uint16)
