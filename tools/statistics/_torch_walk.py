"""Rankings and running sums of many rows and sets at once in torch, for accelerators: the method of _walk in tensors.

Ranks go in blocks of 64, the last one filled up with positions that hold no token. A running sum is read only where a
block of equal weights ends, so ties need no second pass. Shapes: f features, b blocks, s sets.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

BLOCK = 64
_NEVER = 2**31 - 1


@dataclass(frozen=True)
class TorchRanking:
    """Rows (f, V) of weights in falling order, by rank: (f, b, 64)."""

    order: torch.Tensor  # int64 token, V where no token stands
    gains: torch.Tensor  # float64 |weight|
    middles: torch.Tensor  # float64, twice the mean rank of the block of equal weights
    ends: torch.Tensor  # bool: the last rank of a block of equal weights
    flat: torch.Tensor  # (f,) bool: all weights equal
    untied: torch.Tensor  # (f,) float64: untied share, as enrichment.SetScores has it

    @classmethod
    def of(cls, weights: torch.Tensor) -> TorchRanking:
        """Rank rows of float32 weights; -0.0 ties with +0.0."""
        ranked, order = torch.sort(weights + 0.0, dim=1, descending=True, stable=True)
        features, n = ranked.shape
        ranks = torch.arange(n, device=weights.device)
        changes = ranked[:, 1:] != ranked[:, :-1]
        edge = torch.ones((features, 1), dtype=torch.bool, device=weights.device)
        ends = torch.cat([changes, edge], dim=1)
        starts = torch.where(torch.cat([edge, changes], dim=1), ranks, 0).cummax(dim=1).values
        lasts = torch.where(ends, ranks, n).flip(1).cummin(dim=1).values.flip(1)

        def blocked(values: torch.Tensor, fill: float) -> torch.Tensor:
            padded = torch.nn.functional.pad(values, (0, -n % BLOCK), value=fill)
            return padded.view(features, -1, BLOCK)

        return cls(
            order=blocked(order, n),
            gains=blocked(ranked.double().abs(), 0.0),
            middles=blocked((starts + lasts).double(), 0.0),
            ends=blocked(ends, False),
            flat=ranked[:, 0] == ranked[:, -1],
            untied=1 - ((lasts - starts + 1).double() ** 2 - 1).sum(dim=1) / max(1.0, float(n) ** 3 - n),
        )

    def magnitudes(self, n_tokens: int) -> torch.Tensor:
        """|weight| by rank, float32 (f, V), 0 where all weights are equal."""
        return torch.where(self.flat[:, None], 0.0, self.gains.flatten(1)[:, :n_tokens]).float()


@dataclass(frozen=True)
class Steps:
    """What running sums do from rank to rank, in integers (p=0) or float64 (p=1)."""

    gain: torch.Tensor  # of a member: (s,) the same at every rank, or (f, b, 64) by rank
    miss: torch.Tensor  # (f, s) cost of another token
    rises: torch.Tensor  # (f, b, s) what the members of each block gain
    falls: torch.Tensor  # (f, b, s) what its other tokens cost
    rounding: torch.Tensor  # (f, s) values this close count as equal


@dataclass(frozen=True)
class Extreme:
    """How far running sums go up, and the rank after which they first stand there (-1: never above zero); (f, s)."""

    value: torch.Tensor
    rank: torch.Tensor


def extremes(ranking: TorchRanking, hits: torch.Tensor, steps: Steps, open_at_once: int) -> tuple[Extreme, Extreme]:
    """Highest and lowest (negated) point of every running sum; hits (f, b, 64, s) is 1.0 at members.

    The sum at the blocks' edges bounds the extremes from inside; a block is opened only where all its members first,
    or all its other tokens first, would reach as far.
    """
    after = (steps.rises - steps.falls).cumsum(dim=1)
    before = after - (steps.rises - steps.falls)
    readable = ranking.ends[:, :, -1:]
    margin = 3 * steps.rounding
    top = torch.where(readable, after, 0).amax(dim=1).clamp(min=0) - margin
    bottom = torch.where(readable, after, 0).amin(dim=1).clamp(max=0) + margin
    winning = (before + steps.rises >= top[:, None]) | (before - steps.falls <= bottom[:, None])
    highest, lowest = _Search(steps.rounding), _Search(steps.rounding)
    opened = winning.nonzero()
    for start in range(0, len(opened), open_at_once):
        feature, block, one = opened[start : start + open_at_once].unbind(dim=1)
        inside = hits[feature, block, :, one].to(before.dtype)
        gain = steps.gain[one][:, None] if steps.gain.ndim == 1 else steps.gain[feature, block]
        place = torch.arange(1, BLOCK + 1, device=inside.device)
        missed = place - inside.cumsum(dim=1)
        path = before[feature, block, one][:, None] + (inside * gain).cumsum(dim=1)
        path = path - missed * steps.miss[feature, one][:, None]
        ends, pair = ranking.ends[feature, block], feature * hits.shape[3] + one
        highest.add(path, ends, pair, block)
        lowest.add(-path, ends, pair, block)
    return highest.found(), lowest.found()


class _Search:
    """The largest value met for every (feature, set) and where it was first met."""

    def __init__(self, rounding: torch.Tensor) -> None:
        self._rounding = rounding
        self._values: list[torch.Tensor] = []
        self._ranks: list[torch.Tensor] = []
        self._pairs: list[torch.Tensor] = []

    def add(self, path: torch.Tensor, ends: torch.Tensor, pair: torch.Tensor, block: torch.Tensor) -> None:
        """Take in the paths (c, 64) through blocks of the given pairs."""
        read = torch.where(ends, path, 0)
        best = read.amax(dim=1)
        near = ends & (read >= (best - self._rounding.flatten()[pair])[:, None])
        places = torch.arange(BLOCK, device=path.device)
        first = torch.where(near, places, BLOCK - 1).amin(dim=1)
        self._values.append(best)
        self._ranks.append(block * BLOCK + first)
        self._pairs.append(pair)

    def found(self) -> Extreme:
        """The extremes of all pairs."""
        values, ranks, pairs = torch.cat(self._values), torch.cat(self._ranks), torch.cat(self._pairs)
        rounding = self._rounding.flatten()
        top = torch.zeros_like(rounding).scatter_reduce(0, pairs, values, "amax")
        near = (values >= (top - rounding)[pairs]) & (values > rounding[pairs])
        rank = torch.full_like(top, _NEVER, dtype=torch.int64)
        rank = rank.scatter_reduce(0, pairs, torch.where(near, ranks, _NEVER), "amin")
        rank = torch.where(rank == _NEVER, -1, rank)
        return Extreme(top.view_as(self._rounding), rank.view_as(self._rounding))
