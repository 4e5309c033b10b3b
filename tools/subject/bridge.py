"""Models through TransformerLens: booted, prepared as a dictionary needs them, and their weights named."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from ..errors import TseaError, UsageError
from .compute import Compute
from .loading import loading
from .weights import ModelWeights, Part, as_array

# What a dictionary may ask of the model it was trained on (sae-lens' model_from_pretrained_kwargs). The first kind
# changes weights in compatibility mode, the second is passed on; anything else, such as running the repository's
# code, is not done on the word of a downloaded file.
_PROCESSING = ("fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases")
_PASSED_ON = ("revision", "checkpoint_index", "checkpoint_value", "n_ctx")
_IGNORED = ("dtype", "torch_dtype", "device", "n_devices")


def boot(reference: str, compute: Compute, options: dict[str, Any], hf_model: Any = None, tokenizer: Any = None) -> Any:
    """The TransformerBridge of a hub name, a folder or a Hugging Face model, its weights as they are stored.

    Raises UsageError for options that are not supported and TseaError where the model cannot be loaded.
    """
    unknown = sorted(set(options) - {*_PROCESSING, *_PASSED_ON, *_IGNORED})
    if unknown:
        raise UsageError(f"The dictionary asks for its model with {', '.join(unknown)}, which tsea does not support.")
    with loading(f"Model {reference}"):
        from transformer_lens.model_bridge import TransformerBridge
        from transformer_lens.supported_models import MODEL_ALIASES
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # one bar for each load, terminal or not; downloads keep theirs
        official = next((name for name, aliases in MODEL_ALIASES.items() if reference in aliases), reference)
        return TransformerBridge.boot_transformers(
            official,
            device=compute.device,
            dtype=compute.dtype,
            hf_model=hf_model,
            tokenizer=tokenizer,
            **{key: value for key, value in options.items() if key in _PASSED_ON},
        )


def prepare(bridge: Any, options: dict[str, Any]) -> None:
    """Process the weights in place as the dictionary's training did (res-jb: centred writing weights)."""
    wanted = {name: bool(options.get(name, False)) for name in _PROCESSING}
    if any(wanted.values()):
        with loading(f"Model {bridge.cfg.model_name}"):
            bridge.enable_compatibility_mode(disable_warnings=True, **wanted)


def require_prepared(model: Any, options: dict[str, Any]) -> None:
    """Raise UsageError when a model handed over by the caller lacks the centring its dictionary was trained with."""
    if not options.get("center_writing_weights"):
        return
    embedding = as_array(model.W_E)
    if np.abs(embedding.mean(axis=1)).max() > 1e-4 * embedding.std():
        raise UsageError(
            "This SAE was trained on a model with centred writing weights: call model.enable_compatibility_mode("
            "fold_ln=False, center_unembed=False, fold_value_biases=False) before handing it over."
        )


def weights_of(model: Any) -> ModelWeights:
    """Name the weights of a TransformerBridge or HookedTransformer, processed or not; raises TseaError if it has none.

    Folding leaves an identity in the norm it came from, so the result is the same for processed weights.
    """
    kind = str(model.cfg.normalization_type or "")
    normalization: Literal["layer", "rms", "none"] = (
        "layer" if kind.startswith("LN") else "rms" if kind.startswith("RMS") else "none"
    )
    try:
        rows = as_array(model.W_U.T)
    except (AttributeError, NotImplementedError) as error:
        raise TseaError(f"{type(model).__name__} of {model.cfg.model_name} has no unembedding W_U.") from error
    gain = _gain(model, getattr(model, "ln_final", None))
    soft_cap = float(getattr(model.cfg, "output_logits_soft_cap", None) or 0.0)

    def part(layer: int, name: Part) -> np.ndarray | None:
        block = model.blocks[layer]
        if name in ("attention_gain", "mlp_gain"):
            return _gain(model, _norm_after(block, name))
        try:
            if name == "attention_out":
                return as_array(block.attn.W_O)
            return as_array(block.mlp.W_in if name == "mlp_in" else block.mlp.W_out)
        except (AttributeError, NotImplementedError):
            return None

    return ModelWeights(
        normalization=normalization,
        gain=np.ones(rows.shape[1], dtype=np.float32) if gain is None else gain,
        unembedding=rows,
        soft_cap=soft_cap if soft_cap > 0 else None,
        n_layers=int(model.cfg.n_layers),
        part=part,
    )


def _norm_after(block: Any, name: Literal["attention_gain", "mlp_gain"]) -> Any:
    """The norm between a block's attention or MLP and the residual stream, or None.

    A bridge tells by the component that its hook_attn_out and hook_mlp_out stand for: the norm where there is one.
    """
    hook, legacy = ("hook_attn_out", "ln1_post") if name == "attention_gain" else ("hook_mlp_out", "ln2_post")
    aliases = getattr(block, "hook_aliases", None)
    component = str(aliases[hook]).split(".")[0] if aliases and hook in aliases else legacy
    return getattr(block, component, None) if component.startswith("ln") else None


def _gain(model: Any, norm: Any) -> np.ndarray | None:
    """The factor a norm multiplies by, or None; Gemma stores it as an offset from one."""
    weight = None if norm is None else getattr(norm, "w", None)
    if weight is None:
        return None
    return as_array(weight) + np.float32(bool(getattr(model.cfg, "rmsnorm_uses_offset", False)))
