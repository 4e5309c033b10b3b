"""Promoted and suppressed mass of token sets: the default enrichment statistic.

With x a feature's weights (by default whitened logit weights) standardised over the universe and clipped at 8, the
promoted mass of a set S is log(mean of exp(x) over S / mean of exp(x) over the universe); the suppressed mass is the
same with -x. It rewards what tells SAE features from random directions, a heavy tail of promoted tokens.
"""

from __future__ import annotations

import torch

from .projection import near_rows

CLIP = 8.0
_COLUMN = 64
SIDES = ("promoted", "suppressed")


def side_weights(standardised: torch.Tensor) -> torch.Tensor:
    """exp of clipped x for the promoted side and of clipped -x for the suppressed side: (F, V) -> (F, 2, V)."""
    sides = standardised.new_empty(len(standardised), 2, standardised.shape[1])
    for part in near_rows(standardised):
        torch.clamp(standardised[part], max=CLIP, out=sides[part, 0])
        torch.neg(standardised[part], out=sides[part, 1])
        sides[part, 1].clamp_(max=CLIP)
        sides[part].exp_()
    return sides


def mass(weights: torch.Tensor, membership: torch.Tensor) -> torch.Tensor:
    """Mass (F, 2, S) in nats from `side_weights` (F, 2, V) and a 0/1 membership matrix (V, S)."""
    features, sides, tokens = weights.shape
    means = (weights.reshape(-1, tokens) @ membership).reshape(features, sides, -1) / membership.sum(dim=0)
    return (means / weights.mean(dim=2, keepdim=True)).log()


def trimmed_mass(weights: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """Mass of one set without its most extreme member, from `side_weights` (..., V) and member positions (k > 1)."""
    inside = weights[..., members]
    kept = inside.sum(dim=-1) - inside.amax(dim=-1)
    return (kept / (len(members) - 1) / weights.mean(dim=-1)).log()


def effective_tokens(weights: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """How many members carry the mass: (sum e)^2 / sum e^2 over the set, between 1 and its size."""
    inside = weights[..., members]
    return inside.sum(dim=-1).square() / inside.square().sum(dim=-1)


def concentration(standardised: torch.Tensor, tokens: int = 5) -> torch.Tensor:
    """Share (F, 2) of the fourth moment of x (F, V) that each side's `tokens` most extreme tokens hold."""
    shares = standardised.new_empty(len(standardised), 2)
    for part in near_rows(standardised):
        rows = standardised[part]
        total = rows.square().square_().sum(dim=1)
        for side, sign in enumerate((1, -1)):
            shares[part, side] = (sign * _ends(rows, tokens, sign > 0)).relu().pow(4).sum(dim=1) / total
    return shares


def _ends(values: torch.Tensor, count: int, largest: bool) -> torch.Tensor:
    """The `count` largest or smallest values of each row (F, V), all of them where there are no more.

    They stand in the as many columns, out of V / _COLUMN, whose own extremes are furthest out: topk alone takes
    several times as long.
    """
    features, n = values.shape
    count, whole = min(count, n), n // _COLUMN * _COLUMN
    columns = values[:, :whole].view(features, _COLUMN, -1) if values.is_contiguous() else None
    if columns is None or columns.shape[2] <= count:
        return values.topk(count, dim=1, largest=largest).values
    extreme = columns.amax(dim=1) if largest else columns.amin(dim=1)
    near = extreme.topk(count, dim=1, largest=largest).indices
    inside = columns.gather(2, near[:, None].expand(-1, _COLUMN, -1)).flatten(1)
    return torch.cat([inside, values[:, whole:]], dim=1).topk(count, dim=1, largest=largest).values
