"""What adding something to the model changes in its next-token predictions, position by position.

All of it in natural logarithms of probabilities over the whole vocabulary, in float32 whatever the model's dtype.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from ..progress import Progress, silent
from ..subject.subject import Subject
from .hooks import logits
from .watched import Watched
from .writing import as_rows, at_tokens

_BATCH_BYTES = 24 * 2**20  # log-probabilities of a batch; a handful are held at once, and work stops between batches
_SMALLEST = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class Changes:
    """What changed at P positions: `kl` and `loss` (P,) in nats, of watched tokens and sets the sums over positions.

    `kl` is KL(before || after); `loss` the change of -log p of the next token, NaN where that is none or not watched;
    `tokens` (T,) and `sets` (S,) float64 are sums of changes of log p, over acting positions alone.
    """

    kl: np.ndarray
    loss: np.ndarray
    tokens: np.ndarray
    sets: np.ndarray


class Before:
    """Log-probabilities (P, vocabulary) without the change; `following` (P,) token ids of the actual next tokens, -1
    where they do not count; `acting` (P,) bool the positions that token and set changes are summed over."""

    def __init__(self, logits: torch.Tensor, following: np.ndarray, acting: np.ndarray, watched: Watched) -> None:
        self._log_p = logits.float().log_softmax(dim=-1)
        device = self._log_p.device
        self._following = torch.from_numpy(following).to(device)
        self._acting = torch.from_numpy(acting).to(device)
        self._tokens = torch.from_numpy(watched.tokens).to(device)
        self._membership = watched.membership(str(device))
        self._watched = self._of_tokens(self._log_p)
        self._masses = self._of_sets(self._watched)

    def changes(self, logits: torch.Tensor) -> Changes:
        """The changes that other logits (P, vocabulary) at the same positions make."""
        log_p = logits.float().log_softmax(dim=-1)
        # Rounding can take a divergence of nearly nothing below zero.
        kl = torch.nn.functional.kl_div(log_p, self._log_p, reduction="none", log_target=True).sum(dim=-1).clamp(min=0)
        at = self._following.clamp(min=0)[:, None]
        loss = (self._log_p.gather(1, at) - log_p.gather(1, at))[:, 0]
        loss[self._following < 0] = torch.nan
        watched = self._of_tokens(log_p)
        sets = (self._of_sets(watched) - self._masses).sum(dim=1, dtype=torch.float64)
        tokens = (watched - self._watched).sum(dim=0, dtype=torch.float64)
        return Changes(*(found.cpu().numpy() for found in (kl, loss, tokens, sets)))

    def _of_tokens(self, log_p: torch.Tensor) -> torch.Tensor:
        """Watched tokens at acting positions: (acting, T)."""
        return log_p[self._acting][:, self._tokens]

    def _of_sets(self, watched: torch.Tensor) -> torch.Tensor:
        """Log of each set's probability, (S, acting)."""
        return torch.sparse.mm(self._membership, watched.exp().T).clamp(min=_SMALLEST).log()


@dataclass(frozen=True)
class Measured:
    """Changes under D directions, the feature's first: `kl` and `loss` (D, P), means of `tokens` (D, T), `sets` (D, S).

    `context` (P,) is the window of each position, `acting` (P,) whether it is among those that the means are over;
    without any, the means are NaN.
    """

    kl: np.ndarray
    loss: np.ndarray
    tokens: np.ndarray
    sets: np.ndarray
    context: np.ndarray
    acting: np.ndarray


def measure(
    subject: Subject,
    windows: Sequence[np.ndarray],
    amounts: Sequence[np.ndarray],
    acting: Sequence[np.ndarray],
    directions: np.ndarray,
    watched: Watched,
    progress: Progress = silent,
) -> Measured:
    """Add `amounts` times each of `directions` (D, width) at the tokens of windows, and measure what changes.

    `amounts` (float) and `acting` (bool) hold one value for each token of each window; BOS is left alone, and special
    tokens are no positions. Next tokens count where they are watched. Memory holds one batch under one direction.
    """
    pushes = torch.from_numpy(directions).to(subject.device)
    parts: list[Measured] = []
    done, total = 0, len(windows) * len(directions)
    for batch in batches(windows, int(subject.model.cfg.d_vocab)):
        rows = as_rows(subject, windows[batch])
        text, following = _positions(subject, windows[batch], watched.tokens)
        own = np.concatenate(acting[batch])[np.concatenate(text)]
        mask = torch.from_numpy(at_tokens(subject, text, rows.shape)).to(subject.device)
        before = Before(logits(subject, rows)[mask], np.concatenate(following), own, watched)
        scale = torch.from_numpy(at_tokens(subject, amounts[batch], rows.shape)).to(subject.device)
        found: list[Changes] = []
        for push in pushes:
            found.append(before.changes(logits(subject, rows, scale[:, :, None] * push)[mask]))
            done += len(rows)
            progress("contexts run", done, total)
        window = np.repeat(np.arange(batch.start, batch.start + len(rows)), [int(t.sum()) for t in text])
        arrays = {f.name: np.stack([getattr(c, f.name) for c in found]) for f in fields(Changes)}
        parts.append(Measured(**arrays, context=window, acting=own))
    return _joined(parts)


def _joined(parts: Sequence[Measured]) -> Measured:
    own = np.concatenate([part.acting for part in parts])
    with np.errstate(invalid="ignore"):  # no acting position: a mean of nothing
        tokens, sets = (sum(getattr(part, name) for part in parts) / own.sum() for name in ("tokens", "sets"))
    return Measured(
        kl=np.concatenate([part.kl for part in parts], axis=1),
        loss=np.concatenate([part.loss for part in parts], axis=1),
        tokens=tokens,
        sets=sets,
        context=np.concatenate([part.context for part in parts]),
        acting=own,
    )


def batches(windows: Sequence[np.ndarray], vocabulary: int) -> Iterator[slice]:
    """Consecutive windows whose log-probabilities over the vocabulary fit into memory."""
    if not windows:
        return
    size = 1 + max(map(len, windows))
    step = max(1, _BATCH_BYTES // (4 * size * vocabulary))
    for start in range(0, len(windows), step):
        yield slice(start, start + step)


def _positions(
    subject: Subject, windows: Sequence[np.ndarray], watched: np.ndarray
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Which tokens of each window are text, and for those the token that follows, -1 where none that is watched."""
    special = list(subject.vocabulary.special)
    text = [~np.isin(window, special) for window in windows]
    after = [np.append(window[1:], -1) for window in windows]
    return text, [np.where(np.isin(n, watched), n, -1)[t] for n, t in zip(after, text, strict=True)]
