"""The encoder side of a subject: what its features read, instead of what they write."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import numpy as np

from ..errors import UsageError
from .fold import BLOCK_HOOK
from .subject import Subject
from .weights import as_array, require_finite

_RESIDUAL = {"hook_embed", "hook_in", "hook_out", "hook_resid_pre", "hook_resid_mid", "hook_resid_post"}
_NORMALISED = {"ln1.hook_normalized", "ln2.hook_normalized"}
# The encoder rows of neurons stand before the nonlinearity, at the input of the MLP.
_MLP_INPUT = {"mlp.hook_in", "mlp.hook_post"}


def encoder_side(subject: Subject) -> Subject:
    """The subject whose directions are encoder rows and whose tokens are embeddings: what makes a feature fire.

    A token's own embedding is carried to `hook_name` along the residual stream: as it is where the hook point stands on
    the stream; centred, where the norm centres, at the hook point inside a norm; and times the norm's gain behind it
    (the scale is left out). What attention and MLPs add on the way is not in it, so early layers show most. Loads the
    model. Raises UsageError for a dictionary without encoder and for hook points that no embedding reaches, as outputs
    of attention and MLPs.
    """
    if subject.encoder is None:
        raise UsageError(f"{subject.name} has no encoder, so there is nothing that its features read.")
    match = BLOCK_HOOK.fullmatch(subject.hook_name)
    site = match[2] if match else subject.hook_name
    if subject.encoder.shape[1] != subject.d_model or site not in _RESIDUAL | _NORMALISED | _MLP_INPUT:
        raise UsageError(
            f"No token's embedding stands at {subject.hook_name}: the encoder side needs a dictionary that reads the "
            "residual stream or the input of an MLP."
        )
    model = subject.model
    columns = require_finite(as_array(model.W_E), "The embedding W_E")[subject.universe]
    place = "as it is"
    if site not in _RESIDUAL:
        place = "behind the norm"
        if str(model.cfg.normalization_type).startswith("LN"):
            columns = columns - columns.mean(axis=1, keepdims=True)
            place = "centred behind the norm"
    if site in _MLP_INPUT and match:
        columns = columns * _gain(model.blocks[int(match[1])].ln2)
        place += " and its gain"
    columns = np.ascontiguousarray((columns - columns.mean(axis=0, dtype=np.float64)).T, dtype=np.float32)
    convention = f"encoder rows on the token embedding at {subject.hook_name}, {place}, centred over the universe"
    # The subject's own hash covers the encoder, but no embedding that differs from the unembedding.
    digest = hashlib.blake2b(f"{subject.hash} {convention}".encode(), digest_size=16)
    digest.update(columns.data)
    return dataclasses.replace(
        subject,
        name=f"{subject.name}@encoder",
        hook_out=subject.hook_name,
        convention=convention,
        unembedding=columns,
        decoder=np.ascontiguousarray(subject.encoder, dtype=np.float32),
        alive=subject.alive & subject.encoder.any(axis=1),
        hash=digest.hexdigest(),
        _load_model=lambda: model,
    )


def _gain(norm: Any) -> np.ndarray:
    """A norm's gain (d_model,), measured: whatever the library stores, folded or offset, this is what it multiplies by.

    Alternating ones have mean 0 and variance 1, so a norm changes them by its gain and bias alone.
    """
    import torch

    parameter = next(norm.parameters())
    probe = torch.ones(parameter.shape[-1], dtype=parameter.dtype, device=parameter.device)
    probe[1::2] = -1
    with torch.no_grad():
        answers = norm(torch.stack([probe, -probe])[None])
    return as_array((answers[0, 0] - answers[0, 1]) / 2 * probe)
