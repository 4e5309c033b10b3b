"""Dictionaries of directions: SAEs and transcoders, MLP neurons, and rows from a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import TseaError, UsageError
from .compute import Compute
from .loading import loading
from .registry import Stated, stated_figures
from .weights import ModelWeights, as_array, require_finite

# sae-lens writes log10(density + this).
_DENSITY_FLOOR = 1e-10


@dataclass(frozen=True)
class Dictionary:
    """Directions and where they act.

    `decoder` (n, width of `hook_out`), `encoder` (n, width of `hook_name`) or None; `head` where only one attention
    head is read; `density` (n,) the share of tokens each feature fires on, if the dictionary states it; `prepend_bos`
    whether it was trained on rows that begin with BOS. `model_name` and `model_options` say which model it was trained
    on, `load_sae` gives the sae-lens object, or None.
    """

    decoder: np.ndarray
    encoder: np.ndarray | None
    hook_name: str
    hook_out: str
    head: int | None = None
    density: np.ndarray | None = None
    prepend_bos: bool = True
    model_name: str | None = None
    model_options: dict[str, Any] = field(default_factory=dict)
    stated: Stated = Stated()
    load_sae: Callable[[], Any] | None = None


def from_release(release: str, sae_id: str, compute: Compute) -> Dictionary:
    """A published dictionary of sae-lens' registry; raises UsageError for unknown names, TseaError if not loaded."""
    stated = stated_figures(release, sae_id)
    with loading(f"SAE {release}/{sae_id}"):
        from sae_lens import SAE

        sae, _, log_density = SAE.from_pretrained_with_cfg_and_sparsity(
            release, sae_id, device=compute.device, dtype=compute.dtype_name
        )
    return from_sae(sae, None if log_density is None else as_array(log_density), stated)


def from_folder(folder: Path, compute: Compute) -> Dictionary:
    """A dictionary saved by sae-lens; raises UsageError where a file is missing.

    The present format is read from its files; older ones need sae-lens' own conversion and its slow import. What the
    publisher measured stands in card.json beside them: {"l0": ..., "variance_explained": ...}.
    """
    missing = [name for name in ("cfg.json", "sae_weights.safetensors") if not (folder / name).exists()]
    if missing:
        raise UsageError(f"No SAE in {folder}: {' and '.join(missing)} missing (sae-lens' save_model writes them).")

    def load() -> Any:
        with loading(f"SAE {folder}"):
            from sae_lens import SAE

            return SAE.load_from_disk(folder, device=compute.device, dtype=compute.dtype_name)

    with loading(f"SAE {folder}"):
        config = json.loads((folder / "cfg.json").read_text(encoding="utf-8"))
        tensors = _float_tensors(folder / "sae_weights.safetensors", ("W_dec", "W_enc"))
        log_density = _float_tensors(folder / "sparsity.safetensors", ("sparsity",)).get("sparsity")
        card = folder / "card.json"
        figures = json.loads(card.read_text(encoding="utf-8")) if card.exists() else {}
    stated = Stated(figures.get("l0"), figures.get("variance_explained"))
    if "metadata" in config and len(tensors) == 2:
        return _dictionary(tensors["W_dec"], tensors["W_enc"].T, config["metadata"], log_density, stated, load)
    return from_sae(load(), log_density, stated)


def from_sae(sae: Any, log_density: np.ndarray | None, stated: Stated, hook_name: str | None = None) -> Dictionary:
    """The dictionary of a sae-lens SAE or transcoder, its arrays copied; `hook_name` replaces its own hook points."""
    metadata = sae.cfg.metadata.to_dict()
    if hook_name is not None:
        metadata |= {"hook_name": hook_name, "hook_name_out": None}
    encoder = getattr(sae, "W_enc", None)
    encoder = None if encoder is None else as_array(encoder).T
    return _dictionary(np.array(as_array(sae.W_dec)), encoder, metadata, log_density, stated, lambda: sae)


def of_neurons(weights: ModelWeights, layer: int) -> Dictionary:
    """The MLP neurons of one layer: each writes a row of W_out and reads a column of W_in."""
    if layer >= weights.n_layers:
        raise UsageError(f"There is no layer {layer}: the model has layers 0 to {weights.n_layers - 1}.")
    outputs, inputs = weights.part(layer, "mlp_out"), weights.part(layer, "mlp_in")
    if outputs is None:
        raise UsageError(f"Layer {layer} of this model has no plain MLP whose neurons could be studied.")
    hook = f"blocks.{layer}.mlp.hook_post"
    basis = np.eye(len(outputs), dtype=np.float32)
    return Dictionary(basis, None if inputs is None else np.ascontiguousarray(inputs.T), hook, hook)


def from_rows(path: Path, hook: str, d_model: int) -> Dictionary:
    """Residual stream directions at `hook` from a .npy file; raises UsageError unless it holds (n, d_model) numbers."""
    try:
        rows = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UsageError(f"Directions {path} cannot be read as a .npy file of numbers ({error}).") from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.shape[1] != d_model or not len(rows):
        shape = " x ".join(str(size) for size in getattr(rows, "shape", ())) or "no array"
        raise UsageError(f"Directions {path} hold {shape}: expected one row of {d_model} numbers for each direction.")
    if rows.dtype.kind not in "fiu":
        raise UsageError(f"Directions {path} hold {rows.dtype} values: expected real numbers.")
    return Dictionary(require_finite(rows.astype(np.float32), f"{path}"), None, hook, hook)


def _dictionary(
    decoder: np.ndarray,
    encoder: np.ndarray | None,
    metadata: dict[str, Any],
    log_density: np.ndarray | None,
    stated: Stated,
    load_sae: Callable[[], Any],
) -> Dictionary:
    hook = metadata.get("hook_name")
    if not hook:
        raise TseaError("The SAE does not say which hook point it reads (metadata hook_name in cfg.json).")
    hook_out = metadata.get("hook_name_out") or hook
    return Dictionary(
        decoder=require_finite(decoder, "The decoder W_dec"),
        encoder=None if encoder is None else require_finite(np.ascontiguousarray(encoder), "The encoder W_enc"),
        hook_name=hook,
        hook_out=hook_out,
        head=metadata.get("hook_head_index_out" if hook_out != hook else "hook_head_index"),
        density=None if log_density is None else _density(log_density),
        prepend_bos=metadata.get("prepend_bos") is not False,
        model_name=metadata.get("model_name"),
        model_options=dict(metadata.get("model_from_pretrained_kwargs") or {}),
        stated=stated,
        load_sae=load_sae,
    )


def _density(log_density: np.ndarray) -> np.ndarray:
    """Firing densities from sae-lens' log10 values; features that never fired stand at the floor and become 0."""
    density = 10.0 ** log_density.astype(np.float64)
    return np.where(density <= 2 * _DENSITY_FLOOR, 0.0, density)


def _float_tensors(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Those of the named tensors that the file holds as float32 or float16; none where there is no file."""
    from safetensors import safe_open

    if not path.exists():
        return {}
    with safe_open(path, framework="numpy") as file:
        present = [name for name in names if name in file.keys()]  # noqa: SIM118
        readable = [name for name in present if file.get_slice(name).get_dtype() in ("F32", "F16")]
        return {name: file.get_tensor(name).astype(np.float32) for name in readable}
