"""The weights of a model that logit weights are made from, whatever library or file they come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..errors import TseaError

Part = Literal["attention_out", "mlp_in", "mlp_out", "attention_gain", "mlp_gain"]


@dataclass(frozen=True)
class ModelWeights:
    """What stands between the residual stream and the logits, and between a block's parts and the residual stream.

    `normalization` is the final norm's kind (LayerNorm centres, RMSNorm does not), `gain` (d_model,) its weight,
    `unembedding` (vocabulary, d_model) one row per token, `soft_cap` the bound on logits where there is one.
    `part(layer, name)` gives `attention_out` (heads, d_head, d_model), `mlp_in` (d_model, d_mlp), `mlp_out`
    (d_mlp, d_model), or the gain (d_model,) of a norm that follows the attention or the MLP; None where the model has
    no such part.
    """

    normalization: Literal["layer", "rms", "none"]
    gain: np.ndarray
    unembedding: np.ndarray
    soft_cap: float | None
    n_layers: int
    part: Callable[[int, Part], np.ndarray | None]

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self.unembedding.shape[1]


def as_array(tensor: Any) -> np.ndarray:
    """A torch tensor as a float32 array (the same memory where it is float32 on the CPU already)."""
    import torch

    return tensor.detach().to("cpu", torch.float32).numpy()


def require_finite(array: np.ndarray, what: str) -> np.ndarray:
    """Return `array`; raises TseaError naming `what` when it holds NaN or infinity."""
    # A sum is finite only if all terms are, unless it overflows: then look closely.
    with np.errstate(over="ignore", invalid="ignore"):
        suspicious = not np.isfinite(array.sum(dtype=np.float64))
    if suspicious and not np.isfinite(array).all():
        count = int(array.size - np.isfinite(array).sum())
        raise TseaError(f"{what} holds {count} non-finite values: the file is damaged, or the dtype is too narrow.")
    return array
