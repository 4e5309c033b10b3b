"""Deep tails of the mass under a direction null, by importance sampling.

A p-value of 1e-7 would need 10^8 random directions. Directions with a large mass lie near few places: where the
gradient of the mass points, seen from the largest masses of a pilot sample. Directions drawn around these places and
weighted by the ratio of the densities (mixture importance sampling: Owen 2013, Monte Carlo theory, methods and
examples, chapter 9) estimate tail probabilities without bias, each with its own standard error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .directions import DirectionModel
from .mass import CLIP

# Tail probabilities at which a set's mass is tabulated, largest first.
LEVELS: NDArray[np.float64] = 10.0 ** -np.arange(1.5, 10.01, 0.25)
# In larger sets the mass varies too little for a sampled mean over the universe.
MAX_SHARE = 0.1
# A level whose standard error of log10 p is larger is not used, nor any beyond it.
MAX_ERROR = 0.2

_DRAWS = 4096  # a multiple of starts times reaches: draw i belongs to place i modulo their number
_BLOCK = 512
_STARTS = 64
_REACH = (0.0, 2.75, 4.0, 5.25)  # how far from the centre directions are drawn, in standard deviations
# The mean over the universe is exact on the tokens that the drawn directions move most (twice as many as the set has,
# if that is more), sampled on the others.
_MOVED_TOKENS = 256
_SAMPLED_TOKENS = 256
_SIGNS = (1.0, -1.0)


@dataclass(frozen=True)
class _Draws:
    """Random directions and what the mass needs to know of their logit weights over the whole universe."""

    directions: torch.Tensor  # (n, D)
    pulled: torch.Tensor  # (n, D) directions times the covariance of the universe's columns
    variance: torch.Tensor  # (n,) of the logit weights
    sampled: torch.Tensor  # (n, T) logit weights of the sampled tokens
    background: torch.Tensor  # (n, 2) mean of exp(x) over the universe, by side
    slope: torch.Tensor  # (n, 2, D) mean of exp(x) times the token's column
    stretch: torch.Tensor  # (n, 2) mean of exp(x) times x


class MassTails:
    """Tail levels of the mass of any token set in one universe under one direction null.

    `unembedding` (D, V) columns of the universe on the device to compute on; draws follow from `seed`. What is costly
    to prepare does not depend on the set: pass an earlier object's `prepared` to have it at once.
    """

    def __init__(
        self,
        unembedding: torch.Tensor,
        model: DirectionModel,
        seed: Sequence[int],
        prepared: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        self._columns = unembedding - unembedding.mean(dim=1, keepdim=True)
        self._mean, self._factor = (self._tensor(array) for array in (model.mean, model.factor))
        self._pilot = self._directions(self._normal([*seed, 1]))
        self._noise = self._normal([*seed, 2])
        noise = self._directions(self._noise)
        self.prepared = dict(prepared) if prepared is not None else self._prepare(noise)
        ready = {name: self._tensor(array) for name, array in self.prepared.items()}
        self._covariance, self._pilot_background = ready["covariance"], ready["pilot_background"]
        chosen = np.random.default_rng([*seed, 0]).permutation(unembedding.shape[1])[:_SAMPLED_TOKENS]
        self._chosen = torch.tensor(chosen, device=unembedding.device)
        self._sampled = self._columns[:, self._chosen]
        self._pilot_variance = self._variance(self._pilot)
        pulled = noise @ self._covariance
        self._draws = _Draws(
            directions=noise,
            pulled=pulled,
            variance=(pulled * noise).sum(dim=1),
            sampled=noise @ self._sampled,
            **{name: ready[name] for name in ("background", "slope", "stretch")},
        )

    def levels(self, members: NDArray[np.int64], side: int) -> NDArray[np.float64]:
        """Mass (len(LEVELS),) that a random direction reaches with the probability of each level; NaN where unknown.

        `members` are positions in the universe, `side` is 0 for the promoted and 1 for the suppressed mass. Sets of
        more than MAX_SHARE of the universe have no levels.
        """
        if len(members) > MAX_SHARE * self._columns.shape[1]:
            return np.full(len(LEVELS), np.nan)
        columns = self._columns[:, torch.tensor(members, device=self._columns.device)]
        centres = self._centres(columns, side)
        reach = torch.tensor(_REACH).to(centres).repeat_interleave(len(centres))
        shifts = reach[:, None] * centres.repeat(len(_REACH), 1)  # (C, D) in units of standard normal draws
        mass = self._moved_mass(columns, centres @ self._factor.T, shifts @ self._factor.T, side)
        ratios = _moved(self._noise, shifts) @ shifts.T - reach.square() / 2
        weights = (np.log(len(shifts)) - ratios.logsumexp(dim=1)).double().exp()
        return _tabulated(mass.cpu().numpy(), weights.cpu().numpy())

    def _moved_mass(self, columns: torch.Tensor, centres: torch.Tensor, moves: torch.Tensor, side: int) -> torch.Tensor:
        """Mass (n,) of the noise directions, each moved by its row of `moves`."""
        draws, sign = self._draws, _SIGNS[side]
        variance = _moved(draws.variance[:, None] + 2 * _dots(draws.pulled, moves), self._variance(moves)[:, None])
        scale, moved_scale = (sign / v.clamp_min(1e-30).sqrt() for v in (draws.variance[:, None], variance))
        grown = moved_scale / scale - 1
        # The universe's mean of exp(x) after the move: its value before and its slope are known for all tokens. What is
        # left, curvature, is exact on the most moved tokens and sampled on the others.
        background = draws.background[:, [side]] + grown * draws.stretch[:, [side]]
        background += moved_scale * _dots(draws.slope[:, side], moves)
        pull = (centres @ self._columns).abs().amax(dim=0)
        most = pull.topk(min(max(_MOVED_TOKENS, 2 * columns.shape[1]), len(pull))).indices
        others = torch.isin(self._chosen, most, invert=True)
        share = len(most) / len(pull)
        nearest, rest = self._columns[:, most], self._sampled[:, others]
        for logits, own_columns, weight in (
            (draws.directions @ nearest, nearest, share),
            (draws.sampled[:, others], rest, 1 - share),
        ):
            if logits.shape[1]:
                after = _moved(logits, moves @ own_columns).mul_(moved_scale)
                before = logits * scale
                change = after - before
                curved = _exp(after).sub_(_exp(before).mul_(change.add_(1)))
                background += weight * curved.mean(dim=1, keepdim=True)
        inside = _exp(_moved(draws.directions @ columns, moves @ columns).mul_(moved_scale))
        return (inside.mean(dim=1) / background[:, 0]).log()

    def _centres(self, columns: torch.Tensor, side: int) -> torch.Tensor:
        """Unit gradients (J, D) of the mass at the pilot draws where it is largest."""
        sign = _SIGNS[side]
        scale = sign / self._pilot_variance.sqrt()[:, None]
        inside = self._pilot @ columns * scale
        top = (_exp(inside.clone()).mean(dim=1) / self._pilot_background[:, side]).topk(_STARTS).indices
        outside = self._pilot[top] @ self._sampled * scale[top]
        pulls = _share_of_exp(inside[top]) @ columns.T - _share_of_exp(outside) @ self._sampled.T
        gradients = sign * pulls @ self._factor
        return gradients / gradients.square().sum(dim=1, keepdim=True).sqrt().clamp_min(1e-30)

    def _prepare(self, noise: torch.Tensor) -> dict[str, NDArray[np.float32]]:
        """Means over the universe, block by block of directions."""
        tokens = self._columns.shape[1]
        self._covariance = self._columns @ self._columns.T / tokens
        pilot = [_raised(weights)[1].mean(dim=2) for weights in self._standardised(self._pilot)]
        parts: dict[str, list[torch.Tensor]] = {"background": [], "slope": [], "stretch": []}
        for weights in self._standardised(noise):
            x, raised = _raised(weights)
            parts["background"].append(raised.mean(dim=2))
            parts["slope"].append(raised @ self._columns.T / tokens)
            parts["stretch"].append((raised * x).mean(dim=2))
        parts["pilot_background"] = pilot
        arrays = {name: torch.cat(part).cpu().numpy() for name, part in parts.items()}
        return arrays | {"covariance": self._covariance.cpu().numpy()}

    def _standardised(self, directions: torch.Tensor) -> Iterator[torch.Tensor]:
        for start in range(0, len(directions), _BLOCK):
            weights = directions[start : start + _BLOCK] @ self._columns
            yield weights / weights.square().mean(dim=1, keepdim=True).sqrt()

    def _normal(self, seed: Sequence[int]) -> torch.Tensor:
        shape = (_DRAWS, len(self._mean))
        return self._tensor(np.random.default_rng(seed).standard_normal(shape, dtype=np.float32))

    def _directions(self, normal: torch.Tensor) -> torch.Tensor:
        return normal @ self._factor.T + self._mean

    def _variance(self, directions: torch.Tensor) -> torch.Tensor:
        return ((directions @ self._covariance) * directions).sum(dim=1)

    def _tensor(self, array: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(array).to(self._columns)  # pyright: ignore[reportUnknownMemberType]


def _raised(standardised: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """x by side and exp of it: two arrays (n, 2, V)."""
    sides = torch.stack([sign * standardised for sign in _SIGNS], dim=1)
    return sides, _exp(sides.clone())


def _exp(standardised: torch.Tensor) -> torch.Tensor:
    """exp of clipped x, in place."""
    return standardised.clamp_(max=CLIP).exp_()


def _moved(draws: torch.Tensor, moves: torch.Tensor) -> torch.Tensor:
    """Row i of draws (n, m) plus row i modulo C of moves (C, m)."""
    return (draws.view(-1, *moves.shape) + moves).view(draws.shape)


def _dots(draws: torch.Tensor, moves: torch.Tensor) -> torch.Tensor:
    """Inner products (n, 1) of the same pairs of rows, (n, D) and (C, D)."""
    return torch.einsum("rcd,cd->rc", draws.view(-1, *moves.shape), moves).reshape(-1, 1)


def _share_of_exp(standardised: torch.Tensor) -> torch.Tensor:
    return standardised.clamp(max=CLIP).softmax(dim=1)


def _tabulated(values: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The value at each level of the weighted sample's upper tail, NaN from the first level that is too uncertain."""
    order = np.argsort(-values)
    ranked = values[order].astype(np.float64)
    n = len(weights)
    p = np.cumsum(weights[order]) / n
    square = np.cumsum(weights[order] ** 2) / n
    error = np.sqrt(np.maximum(square - p**2, 0) / n) / p / np.log(10)
    at = np.searchsorted(p, LEVELS)  # the first draws whose weights reach the level
    reached = at < n
    at = np.minimum(at, n - 1)
    usable = np.logical_and.accumulate((reached & (error[at] <= MAX_ERROR))[2:])  # see LEVELS: the first two overlap
    table = ranked[at]
    table[2:][~usable] = np.nan
    return table
