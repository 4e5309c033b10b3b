"""Weights of a GPT-2 architecture read straight from its tensors, without importing the libraries that run models.

Opening a subject for its logit weights takes a fraction of a second this way instead of ten; the arrays are the ones
that TransformerBridge gives (tested), and everything after them is shared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from .weights import ModelWeights, Part

_WEIGHTS = "model.safetensors"


def read_checkpoint(folder: Path) -> ModelWeights | None:
    """Weights of the model saved in `folder`, or None where only TransformerBridge can read it.

    Read here: GPT-2 architecture, one safetensors file, float32 or float16.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") != "gpt2" or not (folder / _WEIGHTS).exists():
        return None
    from safetensors import safe_open

    with safe_open(folder / _WEIGHTS, framework="numpy") as file:
        names = set(file.keys())
        if any(file.get_slice(name).get_dtype() not in ("F32", "F16") for name in names):
            return None

    def tensor(name: str) -> np.ndarray:
        with safe_open(folder / _WEIGHTS, framework="numpy") as file:
            return file.get_tensor(name).astype(np.float32, copy=False)

    return gpt2_weights(config, names, tensor)


def gpt2_weights(config: dict[str, Any], names: Collection[str], tensor: Callable[[str], np.ndarray]) -> ModelWeights:
    """Name the parts of a GPT-2 whose tensors are called `names`, each fetched as float32 by `tensor`."""
    prefix = "transformer." if any(name.startswith("transformer.") for name in names) else ""

    def part(layer: int, name: Part) -> np.ndarray | None:
        block = f"{prefix}h.{layer}"
        if name == "attention_out":
            matrix = tensor(f"{block}.attn.c_proj.weight")
            return matrix.reshape(config["n_head"], -1, matrix.shape[1])
        if name in ("mlp_in", "mlp_out"):
            return tensor(f"{block}.mlp.{'c_fc' if name == 'mlp_in' else 'c_proj'}.weight")
        return None

    return ModelWeights(
        normalization="layer",
        gain=tensor(f"{prefix}ln_f.weight"),
        unembedding=tensor("lm_head.weight" if "lm_head.weight" in names else f"{prefix}wte.weight"),
        soft_cap=None,
        n_layers=config["n_layer"],
        part=part,
    )
