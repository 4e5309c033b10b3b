"""Train the pocket sparse autoencoders (TopK, sae-lens' own trainer) on a hook point of the language model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel

from .recipe import Recipe
from .text import rows

SCALE_BATCHES = 20


def residual_after(model: GPT2LMHeadModel, layer: int, tokens: torch.Tensor) -> torch.Tensor:
    """Residual stream after block `layer` (rows, context, width); later blocks are not run."""
    kept, model.transformer.h = model.transformer.h, model.transformer.h[: layer + 1]
    captured: list[torch.Tensor] = []

    def capture(_module: torch.nn.Module, _inputs: Any, output: Any) -> None:
        captured.append(output[0] if isinstance(output, tuple) else output)

    handle = model.transformer.h[layer].register_forward_hook(capture)
    try:
        with torch.no_grad():
            model.transformer(tokens)
    finally:
        handle.remove()
        model.transformer.h = kept
    return captured[0]


def layer_of(hook: str) -> int:
    """The block whose output a `blocks.N.hook_resid_post` hook point reads."""
    return int(hook.split(".")[1])


def activation_batches(
    model: GPT2LMHeadModel, layer: int, stream: np.ndarray, recipe: Recipe, first: int = 0
) -> Iterator[torch.Tensor]:
    """Endless batches of activations (rows * (context - 1), width), without the BOS position, from batch `first` on."""
    step = first
    while True:
        rng = np.random.default_rng([recipe.sae.seed, 7, step])
        tokens = torch.from_numpy(rows(stream, 0, recipe.sae.rows, recipe.model.context, rng))
        yield residual_after(model, layer, tokens)[:, 1:].flatten(0, 1)
        step += 1


def train_sae(
    model: GPT2LMHeadModel, model_name: str, hook: str, stream: np.ndarray, out: Path, recipe: Recipe
) -> None:
    """Train a TopK SAE on `hook` and save it in sae-lens format (fp16) in `out`; resumes from its checkpoints."""
    from sae_lens import SAETrainer, TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.config import SAETrainerConfig

    settings = recipe.sae
    torch.manual_seed(settings.seed)
    batch = settings.rows * (recipe.model.context - 1)
    sae = TopKTrainingSAE(
        TopKTrainingSAEConfig(
            d_in=recipe.model.width,
            d_sae=settings.features,
            k=settings.k,
            normalize_activations="expected_average_only_in",
            apply_b_dec_to_input=True,
        )
    )
    sae.cfg.metadata.model_name = model_name
    sae.cfg.metadata.hook_name = hook
    sae.cfg.metadata.context_size = recipe.model.context
    sae.cfg.metadata.prepend_bos = True
    checkpoints = out.with_name(out.name + "_checkpoints")
    config = SAETrainerConfig(
        total_training_samples=settings.tokens,
        train_batch_size_samples=batch,
        lr=settings.rate,
        lr_end=settings.rate / 10,
        lr_warm_up_steps=50,
        lr_decay_steps=settings.tokens // batch // 3,
        dead_feature_window=settings.dead_window,
        feature_sampling_window=settings.sampling_window,
        n_checkpoints=settings.checkpoints,
        checkpoint_path=str(checkpoints),
        n_batches_for_norm_estimate=SCALE_BATCHES,
    )
    latest = _latest_checkpoint(checkpoints)
    if latest is not None:
        sae = TopKTrainingSAE.load_from_disk(latest)
    layer = layer_of(hook)
    trainer = SAETrainer(config, sae, activation_batches(model, layer, stream, recipe))
    if latest is not None:
        trainer.load_trainer_state(latest)
        trainer.data_provider = activation_batches(
            model, layer, stream, recipe, trainer.n_training_steps + SCALE_BATCHES
        )
    trainer.fit()
    sae.save_inference_model(out)
    save_file({"sparsity": trainer.log_feature_sparsity}, out / "sparsity.safetensors")
    _store_half(out)


def _latest_checkpoint(folder: Path) -> Path | None:
    found = [f for f in folder.glob("*") if (f / "trainer_state.pt").exists() and f.name.isdigit()]
    return max(found, key=lambda f: int(f.name), default=None)


def _store_half(folder: Path) -> None:
    """Store the weights as fp16 (the configuration still says float32, which loading restores)."""
    path = folder / "sae_weights.safetensors"
    save_file({name: tensor.half().contiguous() for name, tensor in load_file(path).items()}, path)
    config = json.loads((folder / "cfg.json").read_text())
    (folder / "cfg.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
