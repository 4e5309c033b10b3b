"""Does the dictionary do on this model what its publisher says? A wrong loading convention is silent otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UsageError
from .reading import read
from .registry import Stated
from .subject import Subject

# Text, context length and rounding move the figures; a wrong convention moves them far more (uncentred weights or the
# wrong layer multiply L0 and can make variance explained negative).
L0_FACTOR = 1.5
VARIANCE_MARGIN = 0.1


@dataclass(frozen=True)
class Verification:
    """Measured and stated figures, and one line for each that differs by more than text could explain."""

    n_tokens: int
    l0: float
    variance_explained: float
    stated: Stated
    mismatches: tuple[str, ...]


def verify(subject: Subject, tokens: np.ndarray, *, batch: int = 8) -> Verification:
    """Measure L0 and the share of variance explained on rows of token ids (rows, context) int64, as of `text_rows`.

    Positions of special tokens are left out: they are no text, and their activations would outweigh all others'.
    Raises UsageError for a subject without an SAE and for rows that hold no token of text.
    """
    if subject.sae is None:
        raise UsageError(f"{subject.name} has no SAE, so there is nothing to verify.")
    text = ~np.isin(tokens, list(subject.vocabulary.special))
    if not text.any():
        raise UsageError("No tokens of text were given to verify on.")
    sums = _Sums(subject.sae)
    for start in range(0, len(tokens), batch):
        own, written = read(subject, tokens[start : start + batch], [subject.hook_name, subject.hook_out])
        sums.add(own, written, text[start : start + batch])
    l0, explained = sums.active / sums.n, 1 - sums.residual / sums.variance
    return Verification(sums.n, l0, explained, subject.stated, tuple(_mismatches(subject, l0, explained)))


def _mismatches(subject: Subject, l0: float, explained: float) -> list[str]:
    stated, found = subject.stated, []
    if stated.l0 and not 1 / L0_FACTOR <= l0 / stated.l0 <= L0_FACTOR:
        found.append(f"{subject.name}: {l0:.1f} features are active per token, stated is {stated.l0:.1f}.")
    if stated.variance_explained is not None and explained < stated.variance_explained - VARIANCE_MARGIN:
        found.append(
            f"{subject.name}: {explained:.3f} of the variance is explained, stated is {stated.variance_explained:.3f}."
        )
    return found


class _Sums:
    """Running sums in float64 over the positions that count."""

    def __init__(self, sae: Any) -> None:
        self.sae, self.n, self.active, self.residual = sae, 0, 0.0, 0.0
        self.total: Any = 0.0
        self.squares = 0.0

    def add(self, read: Any, written: Any, keep: np.ndarray) -> None:
        import torch

        with torch.no_grad():
            features = self.sae.encode(read).cpu()
            rebuilt = self.sae(read).flatten(2).cpu()
        mask = torch.from_numpy(keep)
        target = written.flatten(2).cpu()[mask].double()
        self.n += len(target)
        self.active += float((features[mask] != 0).sum())
        self.residual += float((rebuilt[mask].double() - target).pow(2).sum())
        self.total = self.total + target.sum(dim=0)
        self.squares += float(target.pow(2).sum())

    @property
    def variance(self) -> float:
        """Sum of squared distances from the mean."""
        return self.squares - float(self.total.pow(2).sum()) / self.n
