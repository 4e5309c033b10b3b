"""Set scores on an accelerator: the same results as enrichment.score_sets from torch tensors.

p=0 counts in 64-bit integers and is equal bit for bit; p=1 sums float64 in another order and agrees to 1e-12.
"""

from __future__ import annotations

import numpy as np
import torch

from ..errors import TseaError, UsageError
from ._torch_walk import BLOCK, Extreme, Steps, TorchRanking, extremes
from .enrichment import EnrichmentScores, SetIndex, SetScores, check_sets

_SETS_AT_ONCE = 32
_ROUNDING = 1e-13  # of p=1, in units of the score
# Bytes a token of one feature takes: its ranking with the sort's own space, and a group of sets (membership in float64,
# its copy, and sums per block of ranks); then a rank of an opened block.
_RANKING_BYTES, _SET_BYTES, _OPENED_BYTES = 128, 20, 128


def score_sets_on_device(weights: torch.Tensor, sets: SetIndex, memory: int) -> SetScores:
    """Both enrichment scores and AUROC of float32 weights (F, V) on their device, in chunks of features.

    memory: bytes of the device's memory to work in, beside the weights. Raises UsageError where one feature does not
    fit, and as enrichment.score_sets.
    """
    _check_weights(weights)
    n_features, n_tokens = weights.shape
    check_sets(sets, n_tokens)
    # half of the memory for rankings and sums, half for the blocks that are opened
    chunk = memory // (2 * _bytes_per_feature(n_tokens))
    if chunk == 0:
        raise UsageError(
            f"One feature over {n_tokens} tokens needs {2 * _bytes_per_feature(n_tokens)} bytes on the device, "
            f"got {memory}: raise the memory budget."
        )
    open_at_once = max(1, memory // (2 * _OPENED_BYTES * BLOCK))
    shape = (n_features, len(sets))
    p0, p1, auroc = _Collected(shape), _Collected(shape), np.empty(shape)
    magnitudes, untied = np.empty((n_features, n_tokens), dtype=np.float32), np.empty(n_features)
    for start in range(0, n_features, chunk):
        rows = slice(start, min(start + chunk, n_features))
        ranking = TorchRanking.of(weights[rows])
        magnitudes[rows], untied[rows] = ranking.magnitudes(n_tokens).cpu().numpy(), ranking.untied.cpu().numpy()
        for first in range(0, len(sets), _SETS_AT_ONCE):
            group = slice(first, min(first + _SETS_AT_ONCE, len(sets)))
            scored = _Group(ranking, _membership(sets, group, weights.device), n_tokens, open_at_once)
            p0.put(rows, group, *scored.unweighted())
            p1.put(rows, group, *scored.weighted())
            auroc[rows, group] = scored.auroc().cpu().numpy()
    return SetScores(p0.scores(), p1.scores(), auroc, magnitudes, untied)


def _bytes_per_feature(n_tokens: int) -> int:
    return (n_tokens + BLOCK) * (_RANKING_BYTES + _SET_BYTES * _SETS_AT_ONCE)


def _check_weights(weights: torch.Tensor) -> None:
    if weights.ndim != 2 or weights.shape[1] == 0 or weights.dtype != torch.float32:
        raise UsageError(
            f"Logit weights must be float32 of shape (features, tokens), got {weights.dtype} {tuple(weights.shape)}."
        )
    if not bool(torch.isfinite(weights).all()):
        raise TseaError("Logit weights are not finite: leave these features out, or load the model in a wider dtype.")


def _membership(sets: SetIndex, group: slice, device: torch.device) -> torch.Tensor:
    """(V + 1, s) float64, 1 at members; the last row stands for no token."""
    matrix = torch.zeros((sets.n_tokens + 1, group.stop - group.start), dtype=torch.float64, device=device)
    pointers = sets.pointers[group.start : group.stop + 1]
    members = torch.as_tensor(sets.members[pointers[0] : pointers[-1]], dtype=torch.int64, device=device)
    columns = torch.as_tensor(np.repeat(np.arange(len(pointers) - 1), np.diff(pointers)), device=device)
    matrix[members, columns] = 1.0
    return matrix


class _Group:
    """Sums over blocks of ranks for one chunk of features and one group of sets."""

    def __init__(self, ranking: TorchRanking, membership: torch.Tensor, n_tokens: int, open_at_once: int) -> None:
        self._ranking = ranking
        self._open_at_once = open_at_once
        self._n = n_tokens
        self._sizes = membership.sum(dim=0).long()
        self._hits = membership[ranking.order]  # (f, b, 64, s)
        # counts, doubled ranks and gains per block in one product; the first two are integers below 2^53
        rows = torch.stack([torch.ones_like(ranking.gains), ranking.middles, ranking.gains], dim=2)
        counts, self._doubled, self._gains = (rows @ self._hits).unbind(dim=2)  # each (f, b, s)
        self._counts = counts.long()
        self._others = (ranking.order != n_tokens).sum(dim=2)[:, :, None] - self._counts

    def unweighted(self) -> tuple[Extreme, Extreme, torch.Tensor]:
        """ES+ and ES- (negated) for p=0 in integers, and what they are to be divided by."""
        k, shape = self._sizes, (len(self._ranking.flat), len(self._sizes))
        steps = Steps(
            gain=self._n - k,
            miss=k.expand(shape),
            rises=self._counts * (self._n - k),
            falls=self._others * k,
            rounding=torch.zeros(shape, dtype=torch.int64, device=k.device),
        )
        scale = k.double() * (self._n - k).double()
        return *extremes(self._ranking, self._hits, steps, self._open_at_once), self._defined(scale.expand(shape))

    def weighted(self) -> tuple[Extreme, Extreme, torch.Tensor]:
        """The same for p=1 in float64."""
        total = self._gains.sum(dim=1)
        miss = total / (self._n - self._sizes)
        steps = Steps(
            gain=self._ranking.gains,
            miss=miss,
            rises=self._gains,
            falls=self._others * miss[:, None],
            rounding=_ROUNDING * total,
        )
        return *extremes(self._ranking, self._hits, steps, self._open_at_once), self._defined(total)

    def auroc(self) -> torch.Tensor:
        """How often a member outranks another token, (f, s)."""
        k = self._sizes.double()
        return self._defined(1.0 - (self._doubled.sum(dim=1) - k * (k - 1)) / (2.0 * k * (self._n - k)))

    def _defined(self, values: torch.Tensor) -> torch.Tensor:
        return torch.where(self._ranking.flat[:, None], torch.nan, values)


class _Collected:
    """Enrichment scores put together from chunks of features and groups of sets."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._extremes = np.empty((2, *shape), dtype=np.float64)
        self._peaks = np.empty((2, *shape), dtype=np.int32)

    def put(self, rows: slice, group: slice, high: Extreme, low: Extreme, scale: torch.Tensor) -> None:
        """Write one part; where the scale is 0 or NaN, there is no score."""
        defined = scale > 0
        for side, (sign, extreme) in enumerate(((1, high), (-1, low))):
            score = torch.where(defined, (extreme.value / scale).clamp(max=1.0), torch.nan)
            self._extremes[side, rows, group] = (sign * score + 0.0).cpu().numpy()
            self._peaks[side, rows, group] = torch.where(defined, extreme.rank, -1).cpu().numpy()

    def scores(self) -> EnrichmentScores:
        """The whole."""
        return EnrichmentScores(self._extremes[0], self._extremes[1], self._peaks[0], self._peaks[1])
