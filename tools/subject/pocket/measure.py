"""Measure the trained model and its SAEs on held-out documents: the figures of the model card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import GPT2LMHeadModel

from .language_model import cross_entropy, held_out_loss
from .recipe import Recipe
from .sae import layer_of, residual_after
from .text import rows

ROWS = 512
PARTS = 16
# Features count as alive when they fire at least once in these rows of the training documents.
ALIVE_ROWS = 4096


def measure_model(model: GPT2LMHeadModel, held_out: np.ndarray, recipe: Recipe) -> dict[str, float]:
    """Loss in nats per token on held-out documents, and the number of parameters (tied weights once)."""
    return {
        "held_out_loss": held_out_loss(model, held_out, recipe.model),
        "parameters": float(sum(p.numel() for p in model.parameters())),
    }


def measure_sae(
    model: GPT2LMHeadModel, folder: Path, hook: str, held_out: np.ndarray, train: np.ndarray, recipe: Recipe
) -> dict[str, float]:
    """Variance explained, L0, loss recovered (held-out rows, BOS left out) and alive share (training rows) of an SAE.

    Loss recovered is 1 - (spliced - clean) / (zero-ablated - clean), the ablation putting the mean activation in.
    """
    from sae_lens import SAE

    sae = SAE.load_from_disk(folder)
    layer = layer_of(hook)
    drawn = rows(held_out, 0, ROWS, recipe.model.context, np.random.default_rng(1))
    residual = total = active = 0.0
    losses = {"clean": [], "spliced": [], "ablated": []}
    mean = torch.cat(
        [residual_after(model, layer, torch.from_numpy(p))[:, 1:].flatten(0, 1) for p in np.split(drawn, PARTS)]
    ).mean(0)
    with torch.no_grad():
        for part in np.split(drawn, PARTS):
            tokens = torch.from_numpy(part)
            activations = residual_after(model, layer, tokens)
            features = sae.encode(activations)
            rebuilt = sae.decode(features)
            residual += float((activations - rebuilt)[:, 1:].square().sum())
            total += float((activations - mean)[:, 1:].square().sum())
            active += float((features[:, 1:] > 0).sum(-1).float().mean()) / PARTS
            losses["clean"].append(float(cross_entropy(model, tokens)))
            losses["spliced"].append(_loss_with(model, layer, tokens, rebuilt))
            losses["ablated"].append(_loss_with(model, layer, tokens, mean.expand_as(rebuilt)))
    clean, spliced, ablated = (float(np.mean(losses[name])) for name in ("clean", "spliced", "ablated"))
    return {
        "variance_explained": 1 - residual / total,
        "l0": active,
        "loss_clean": clean,
        "loss_spliced": spliced,
        "loss_mean_ablated": ablated,
        "loss_recovered": 1 - (spliced - clean) / (ablated - clean),
        "alive_share": _alive_share(model, sae, layer, train, recipe),
    }


def _loss_with(model: GPT2LMHeadModel, layer: int, tokens: torch.Tensor, activations: torch.Tensor) -> float:
    """Loss when the block's output is replaced everywhere but at the BOS position."""

    def splice(_module: object, _inputs: object, output: torch.Tensor | tuple) -> torch.Tensor | tuple:
        original = output[0] if isinstance(output, tuple) else output
        length = original.shape[1]
        spliced = torch.cat([original[:, :1], activations[:, 1:length]], dim=1)
        return (spliced, *output[1:]) if isinstance(output, tuple) else spliced

    handle = model.transformer.h[layer].register_forward_hook(splice)
    try:
        return float(cross_entropy(model, tokens))
    finally:
        handle.remove()


def _alive_share(model: GPT2LMHeadModel, sae: torch.nn.Module, layer: int, train: np.ndarray, recipe: Recipe) -> float:
    fired = torch.zeros(recipe.sae.features, dtype=torch.bool)
    drawn = rows(train, 0, ALIVE_ROWS, recipe.model.context, np.random.default_rng(2))
    with torch.no_grad():
        for part in np.array_split(drawn, ALIVE_ROWS // 32):
            activations = residual_after(model, layer, torch.from_numpy(part))[:, 1:]
            fired |= (sae.encode(activations) > 0).flatten(0, 1).any(0)  # type: ignore[operator]
    return float(fired.float().mean())


def write_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Write (nested) figures as JSON, rounded to what these rows can tell."""
    path.write_text(json.dumps(_rounded(figures), indent=1, sort_keys=True) + "\n")


def _rounded(figures: Any) -> Any:
    return (
        {name: _rounded(value) for name, value in figures.items()}
        if isinstance(figures, Mapping)
        else round(figures, 4)
    )
