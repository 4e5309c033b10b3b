"""Running a subject's model with something added to it at the hook point its dictionary writes to."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ..errors import TseaError
from ..subject.subject import Subject


def logits(subject: Subject, rows: np.ndarray, added: torch.Tensor | None = None) -> torch.Tensor:
    """The model's logits (rows, context, vocabulary) on rows of token ids, in the model's dtype.

    `added` (rows, context, width of `hook_out`) is added to what stands there. Raises TseaError where the model has
    no such hook point.
    """
    ids = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64)).to(subject.device)
    if added is None:
        with torch.no_grad():
            return subject.model(ids)
    calls = 0

    def add(found: torch.Tensor, hook: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return _sum(subject, found, added.to(found))

    with torch.no_grad():
        changed = subject.model.run_with_hooks(ids, fwd_hooks=[(subject.hook_out, add)])
    if calls != 1:  # the libraries leave out hook points that they do not know
        raise TseaError(f"The model passes {subject.hook_out} {calls} times instead of once: choose another subject.")
    return changed


def _sum(subject: Subject, found: torch.Tensor, added: torch.Tensor) -> torch.Tensor:
    """What stands at the hook point plus what is added; attention z comes with its heads apart."""
    head = _head(subject)
    if found.ndim == 3 or head is None:
        return found + added.reshape(found.shape)
    changed = found.clone()
    changed[:, :, head] += added
    return changed


def _head(subject: Subject) -> int | None:
    """The only attention head that the dictionary writes to, if it is only one."""
    if subject.sae is None:
        return None
    metadata = subject.sae.cfg.metadata
    return metadata.hook_head_index if subject.hook_out == subject.hook_name else metadata.hook_head_index_out
