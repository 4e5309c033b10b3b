"""Train the pocket language model: GPT-2 architecture, Muon on matrices and AdamW on the rest."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import GPT2Config, GPT2LMHeadModel

from .recipe import RECIPE, LanguageModelRecipe
from .text import rows


def new_model(seed: int, recipe: LanguageModelRecipe = RECIPE.model) -> GPT2LMHeadModel:
    """A freshly initialised model of the recipe's architecture; the seed alone decides the weights."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=recipe.vocabulary,
        n_positions=recipe.context,
        n_embd=recipe.width,
        n_layer=recipe.layers,
        n_head=recipe.heads,
        activation_function="gelu_pytorch_tanh",
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    return GPT2LMHeadModel(config)


def cross_entropy(model: GPT2LMHeadModel, tokens: torch.Tensor) -> torch.Tensor:
    """Mean next-token loss in nats over all positions of `tokens` (rows, context)."""
    hidden = model.transformer(tokens[:, :-1]).last_hidden_state
    logits = functional.linear(hidden, model.lm_head.weight)
    return functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())


def learning_rate_share(step: int, recipe: LanguageModelRecipe) -> float:
    """Warm up, hold, then decay linearly to zero over the last `decay_share` of the steps."""
    decay_start = recipe.steps * (1 - recipe.decay_share)
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    if step < decay_start:
        return 1.0
    return (recipe.steps - step) / (recipe.steps - decay_start)


def _optimizers(model: GPT2LMHeadModel, recipe: LanguageModelRecipe) -> list[torch.optim.Optimizer]:
    matrices = [p for p in model.transformer.h.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=recipe.matrix_rate, momentum=0.95, weight_decay=0.01),
        torch.optim.AdamW(others, lr=recipe.other_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def held_out_loss(model: GPT2LMHeadModel, stream: np.ndarray, recipe: LanguageModelRecipe = RECIPE.model) -> float:
    """Loss in nats per token on 512 rows drawn (seeded) from the held-out documents."""
    drawn = rows(stream, 0, 512, recipe.context, np.random.default_rng(0))
    with torch.no_grad():
        losses = [float(cross_entropy(model, torch.from_numpy(part))) for part in np.split(drawn, 16)]
    return float(np.mean(losses))


def train_language_model(work: Path, recipe: LanguageModelRecipe = RECIPE.model) -> None:
    """Train from `work/train.npy` into `work/model`, resuming from `work/model.pt` when it exists."""
    train, held_out = np.load(work / "train.npy"), np.load(work / "held_out.npy")
    model = new_model(recipe.seed, recipe)
    optimizers = _optimizers(model, recipe)
    base_rates = [optimizer.param_groups[0]["lr"] for optimizer in optimizers]
    start, checkpoint = 0, work / "model.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        start = state["step"]
    loss_function = torch.compile(cross_entropy)
    began, losses = time.monotonic(), []
    for step in range(start, recipe.steps):
        # One generator a step: a resumed run draws the rows that an uninterrupted one would have.
        batch = rows(train, 0, recipe.rows, recipe.context, np.random.default_rng([recipe.seed, step]))
        share = learning_rate_share(step, recipe)
        for optimizer, rate in zip(optimizers, base_rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * share
            optimizer.zero_grad(set_to_none=True)
        loss = loss_function(model, torch.from_numpy(batch))
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        losses.append(float(loss.detach()))
        if not math.isfinite(losses[-1]):
            raise RuntimeError(f"The loss became {losses[-1]} at step {step}; lower the learning rates.")
        if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == recipe.steps:
            _save(checkpoint, model, optimizers, step + 1)
            rate = (step + 1 - start) * batch.size / (time.monotonic() - began)
            print(
                f"step {step + 1}/{recipe.steps} train {np.mean(losses[-recipe.checkpoint_every :]):.3f} "
                f"held-out {held_out_loss(model, held_out, recipe):.3f} {rate:,.0f} tokens/s",
                flush=True,
            )
    model.half().save_pretrained(work / "model")


def _save(path: Path, model: torch.nn.Module, optimizers: list[torch.optim.Optimizer], step: int) -> None:
    state = {"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step}
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
