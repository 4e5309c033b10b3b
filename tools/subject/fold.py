"""The one convention of logit weights: what is folded into W_U, and how directions reach the residual stream.

Equal to TransformerLens' fold_ln + center_writing_weights + center_unembed (`weight_processing.py` there), with
logits centred over the universe instead of the whole vocabulary.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np

from ..errors import UsageError
from ..vocabulary import Vocabulary
from .weights import ModelWeights, require_finite

# Hook points whose activations are (added to) the residual stream as they are. A norm after the block stands before
# hook_attn_out and hook_mlp_out, but behind attn.hook_out and mlp.hook_out.
_RESIDUAL = {
    "hook_in",
    "hook_out",
    "hook_resid_pre",
    "hook_resid_mid",
    "hook_resid_post",
    "hook_attn_out",
    "hook_mlp_out",
}
BLOCK_HOOK = re.compile(r"blocks\.(\d+)\.(.+)")


def universe(rows: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Ids (int64, ascending) of tokens that text can hold and training has touched.

    `rows` (vocabulary, d_model) are the unembedding's. Left out are padding rows beyond the tokenizer, special and
    reserved tokens, and rows that are zero or exactly equal to another one (never trained).
    """
    first_of: dict[bytes, int] = {}
    kept = np.zeros(len(rows), dtype=bool)
    for token in range(min(len(rows), len(vocabulary))):
        row = rows[token]
        first = first_of.setdefault(hashlib.blake2b(row.tobytes(), digest_size=16).digest(), token)
        kept[token] = first == token and bool(row.any())
        kept[first] &= first == token
    kept[[token for token in vocabulary.special if token < len(kept)]] = False
    return np.flatnonzero(kept).astype(np.int64)


def folded_unembedding(weights: ModelWeights, tokens: np.ndarray) -> np.ndarray:
    """The final norm's gain, the residual's centring and the logits' centring folded into W_U: (d_model, tokens).

    A feature's logit weights are its direction times this; the norm's scale is left out, positive and common to all
    tokens.
    """
    gain = require_finite(weights.gain, "The final norm's gain")
    folded = require_finite(weights.unembedding, "The unembedding W_U")[tokens] * gain
    if weights.normalization == "layer":
        folded = _centred(folded)
    folded -= folded.mean(axis=0, dtype=np.float64).astype(np.float32)
    return np.ascontiguousarray(folded.T, dtype=np.float32)


def residual_directions(decoder: np.ndarray, hook: str, head: int | None, weights: ModelWeights) -> np.ndarray:
    """Decoder rows (n, width of `hook`) as directions (n, d_model) of the residual stream.

    Attention z goes through W_O (of one head, or of all side by side), MLP activations through W_out, and both, like
    raw outputs, through the gain of a norm that follows the block; that norm's scale is left out. Where the final
    norm centres, the directions' own means, which it removes, are removed here: they would only cost precision. Raises
    UsageError for a hook point that does not write to the residual stream and for rows of the wrong width.
    """
    match = BLOCK_HOOK.fullmatch(hook)
    layer, site = (int(match[1]), match[2]) if match else (0, hook)
    if layer >= weights.n_layers:
        raise UsageError(f"Hook point {hook} does not fit the model: it has layers 0 to {weights.n_layers - 1}.")
    if site in _RESIDUAL or hook == "hook_embed":
        matrix, gain = None, None
    elif site == "attn.hook_z":
        matrix, gain = _attention_out(weights, layer, head), weights.part(layer, "attention_gain")
    elif site == "attn.hook_out":
        matrix, gain = None, weights.part(layer, "attention_gain")
    elif site == "mlp.hook_post":
        matrix, gain = _required(weights.part(layer, "mlp_out"), hook), weights.part(layer, "mlp_gain")
    elif site == "mlp.hook_out":
        matrix, gain = None, weights.part(layer, "mlp_gain")
    else:
        raise UsageError(f"Hook point {hook!r} does not write to the residual stream, so it has no logit weights.")
    expected = weights.d_model if matrix is None else len(matrix)
    if decoder.ndim != 2 or decoder.shape[1] != expected:
        shape = " x ".join(str(size) for size in decoder.shape)
        raise UsageError(
            f"The dictionary ({shape}) does not fit the model: directions at {hook} have width {expected} there. "
            "Choose the model it was trained on."
        )
    if matrix is not None:
        decoder = decoder @ matrix
    if gain is not None:
        decoder = decoder * gain
    return _centred(decoder) if weights.normalization == "layer" else decoder


def residual_hook(hook: str) -> str:
    """`hook` itself where it stands on the residual stream, else the end of its block."""
    match = BLOCK_HOOK.fullmatch(hook)
    return f"blocks.{match[1]}.hook_resid_post" if match and match[2] not in _RESIDUAL else hook


def describe(weights: ModelWeights, hook: str) -> str:
    """One line that says how logit weights are made at this hook point."""
    norm = {"layer": "LayerNorm", "rms": "RMSNorm", "none": "no"}[weights.normalization]
    steps = [f"directions at {hook} carried to the residual stream", f"{norm} gain folded into W_U"]
    if weights.normalization == "layer":
        steps.append("directions and W_U centred over the residual stream")
    steps.append("logits centred over the universe")
    if weights.soft_cap is not None:
        steps.append(f"before the soft cap of {weights.soft_cap:g}")
    return ", ".join(steps)


def _centred(rows: np.ndarray) -> np.ndarray:
    return rows - rows.mean(axis=1, dtype=np.float64, keepdims=True).astype(np.float32)


def _attention_out(weights: ModelWeights, layer: int, head: int | None) -> np.ndarray:
    heads = _required(weights.part(layer, "attention_out"), f"blocks.{layer}.attn.hook_z")
    if head is None:
        return heads.reshape(-1, weights.d_model)
    if head >= len(heads):
        raise UsageError(f"The dictionary reads head {head}, but the model has heads 0 to {len(heads) - 1}.")
    return heads[head]


def _required(part: np.ndarray | None, hook: str) -> np.ndarray:
    if part is None:
        raise UsageError(f"Hook point {hook} cannot be carried to the residual stream in this architecture.")
    return part
