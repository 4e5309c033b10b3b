"""Promoted and suppressed mass of token sets: the default enrichment statistic.

With x a feature's logit weights standardised over the universe and clipped at 8, the promoted mass of a set S is
log(mean of exp(x) over S / mean of exp(x) over the universe); the suppressed mass is the same with -x. It rewards what
tells SAE features from random directions, a heavy tail of promoted tokens.
"""

from __future__ import annotations

import torch

CLIP = 8.0
SIDES = ("promoted", "suppressed")


def side_weights(standardised: torch.Tensor) -> torch.Tensor:
    """exp of clipped x for the promoted side and of clipped -x for the suppressed side: (F, V) -> (F, 2, V)."""
    return torch.stack([standardised, -standardised], dim=1).clamp_(max=CLIP).exp_()


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
    total = standardised.square().square_().sum(dim=1)
    count = min(tokens, standardised.shape[1])
    ends = (standardised.topk(count, dim=1, largest=largest).values for largest in (True, False))
    held = [(sign * end).relu().pow(4).sum(dim=1) / total for sign, end in zip((1, -1), ends, strict=True)]
    return torch.stack(held, dim=1)
