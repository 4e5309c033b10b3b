"""Running a subject's model on rows of tokens, no further than needed, and reading what stands at its hook points."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UsageError
from .subject import Subject


def read(subject: Subject, rows: np.ndarray, hooks: Sequence[str]) -> list[Any]:
    """What the dictionary reads at hook points: float tensors (rows, context, width), in the order of `hooks`.

    `rows` (rows, context) are int64 token ids. The model stops as soon as all of them are there.
    """
    import torch

    found: dict[str, Any] = {}

    def keep(value: Any, hook: Any, name: str) -> None:
        found[name] = value
        if len(found) == len(set(hooks)):
            raise _AllRead

    ids = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)).to(subject.device)
    watched = [(name, functools.partial(keep, name=name)) for name in dict.fromkeys(hooks)]
    with torch.no_grad(), contextlib.suppress(_AllRead):
        subject.model.run_with_hooks(ids, fwd_hooks=watched)
    return [_as_read_by(subject.sae, found[hook]) for hook in hooks]


class _AllRead(Exception):
    """Nothing that the model would still do is of interest."""


def row_start(subject: Subject) -> np.ndarray:
    """What begins every row of tokens: BOS, or end of text for models that have no other, (1,) int64.

    Nothing, (0,), for SAEs that were trained on rows without, as their configuration says.
    """
    if not subject.prepend_bos:
        return np.empty(0, np.int64)
    tokenizer = subject.model.tokenizer
    return np.array([tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id], np.int64)


def require_encoder(subject: Subject) -> np.ndarray:
    """The encoder's rows; raises UsageError for bare directions, which nothing encodes."""
    if subject.encoder is None:
        raise UsageError(f"{subject.name} has no encoder, so its directions do not fire: choose an SAE or neurons.")
    return subject.encoder


def feature_activations(subject: Subject, rows: np.ndarray) -> Any:
    """Activations of every feature on rows of tokens: a float tensor (rows, context, features).

    Raises UsageError as `require_encoder` does.
    """
    import torch

    require_encoder(subject)
    (found,) = read(subject, rows, [subject.hook_name])
    if subject.sae is None:  # neurons are what stands there
        return found
    with torch.no_grad():
        return subject.sae.encode(found)


def encoder_input(subject: Subject, rows: np.ndarray) -> Any:
    """What the encoder's rows are multiplied with on rows of tokens: a float tensor (rows, context, width).

    Raises UsageError as `require_encoder` does.
    """
    import torch

    require_encoder(subject)
    # Neurons are read behind their nonlinearity; their encoder rows stand before it.
    hook = subject.hook_name.replace("mlp.hook_post", "mlp.hook_in") if subject.sae is None else subject.hook_name
    (found,) = read(subject, rows, [hook])
    if subject.sae is None:
        return found
    with torch.no_grad():
        return subject.sae.process_sae_in(found)


def _as_read_by(sae: Any, activations: Any) -> Any:
    """Attention z comes as (rows, context, heads, d_head): SAEs read it so, side by side, or one head alone."""
    if activations.ndim == 3:
        return activations
    head = sae.cfg.metadata.hook_head_index
    if sae.hook_z_reshaping_mode:
        return activations
    return activations.flatten(2) if head is None else activations[:, :, head]
