"""How probable a model finds tokens behind others."""

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


def next_distributions(subject: Subject, row: np.ndarray, places: Sequence[int]) -> np.ndarray:
    """Log-probabilities (nats, (places, V) float32) of every token behind some places of one row of ids (context,)."""
    import torch

    ids = torch.from_numpy(np.ascontiguousarray(row[None], np.int64)).to(subject.device)
    with torch.no_grad():
        logits: Any = subject.model(ids)
    return logits[0, torch.tensor(places)].float().log_softmax(dim=-1).cpu().numpy()
