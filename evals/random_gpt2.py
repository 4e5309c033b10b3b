"""A local subject of GPT-2's architecture with random weights, whose SAE fires as often as trained ones do."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..tools.subject.text_rows import SAMPLED_CORPUS, bundled_text

SHARE_ACTIVE = 60 / 24_576  # of trained SAEs at blocks.8 of GPT-2 small
_CONTEXT = 128
_ROWS = 8  # enough tokens to set thresholds on: each feature's mean and spread are what is measured


@dataclass(frozen=True)
class Shape:
    """Sizes of model and SAE; those of GPT-2 small by default."""

    layers: int = 12
    width: int = 768
    heads: int = 12
    vocabulary: int = 50_257
    features: int = 24_576
    hook_layer: int = 8


def write_random_gpt2(folder: Path, shape: Shape) -> None:
    """Write `folder`/model and `folder`/sae, as `local:FOLDER` reads them; text is cut by the bundled tokenizer."""
    import torch
    from safetensors.numpy import save_file
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=shape.vocabulary,
        n_positions=_CONTEXT,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = GPT2LMHeadModel(config).eval()
    model.save_pretrained(folder / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(SAMPLED_CORPUS.parent / "model" / name, folder / "model" / name)

    with torch.no_grad():
        ids = torch.from_numpy(bundled_text(_ROWS))
        read = model(ids, output_hidden_states=True).hidden_states[shape.hook_layer][:, 1:].reshape(-1, shape.width)
    decoder = np.random.default_rng(0).standard_normal((shape.features, shape.width), dtype=np.float32)
    decoder /= np.linalg.norm(decoder, axis=1, keepdims=True)
    before = read.numpy() @ decoder.T
    threshold = np.quantile((before - before.mean(axis=0)) / before.std(axis=0), 1 - SHARE_ACTIVE)
    sae = folder / "sae"
    sae.mkdir()
    tensors = {
        "W_dec": decoder,
        "W_enc": np.ascontiguousarray(decoder.T),
        "b_enc": -(before.mean(axis=0) + threshold * before.std(axis=0)),
        "b_dec": np.zeros(shape.width, np.float32),
    }
    save_file(tensors, sae / "sae_weights.safetensors")
    sae_config = {
        "architecture": "standard",
        "d_in": shape.width,
        "d_sae": shape.features,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {
            "hook_name": f"blocks.{shape.hook_layer}.hook_resid_pre",
            "context_size": _CONTEXT,
            "model_name": "gpt2",
        },
    }
    (sae / "cfg.json").write_text(json.dumps(sae_config))
