"""How probable a model finds a given token behind another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .subject import Subject

_LOGITS_BYTES = 256 * 2**20


def next_log_probs(subject: Subject, rows: np.ndarray, places: Sequence[int], tokens: Sequence[int]) -> np.ndarray:
    """Log-probability (nats, (rows,) float64) of one token behind one place in each row of ids (rows, context)."""
    import torch

    found: list[np.ndarray] = []
    batch = max(1, _LOGITS_BYTES // (4 * rows.shape[1] * len(subject.vocabulary)))
    for start in range(0, len(rows), batch):
        own = slice(start, start + batch)
        ids = torch.from_numpy(np.ascontiguousarray(rows[own], np.int64)).to(subject.device)
        with torch.no_grad():
            logits: Any = subject.model(ids)
        at = logits[torch.arange(len(ids)), torch.tensor(places[own])].float().log_softmax(dim=-1)
        found.append(at[torch.arange(len(ids)), torch.tensor(tokens[own])].double().cpu().numpy())
    return np.concatenate(found) if found else np.empty(0)
