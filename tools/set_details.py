"""What stands behind a written set in one feature: its members, what it misses, and what carries its mass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from .feature_side import FeatureSide
from .results import SetDetails, finite
from .rivals import rivals_of
from .statistics.enrichment import leading_edge
from .statistics.mass import effective_tokens, trimmed_mass
from .statistics.names import Side
from .written_sets import WrittenSet

if TYPE_CHECKING:
    from .workbench import Workbench


def set_details(
    workbench: Workbench, written: WrittenSet, feature: int, side: Side, most: int, rivals: int
) -> SetDetails:
    """The details of a set in a feature on a side, lists of tokens cut to `most`, with up to so many rivals.

    Raises UsageError for a feature that ranks no token.
    """
    ranking, members = FeatureSide(workbench, feature, side), written.members
    edge = leading_edge(ranking.logits - ranking.logits.mean(), members, 1, side)
    own = ranking.outward(members)
    contrary = own[~ranking.elevated(own)][::-1]
    missed = ranking.order[np.isin(ranking.order[: len(members) + most], members, invert=True).nonzero()[0]]
    weights, positions = ranking.weights[ranking.side], torch.from_numpy(members)
    found = float((weights[positions].mean() / weights.mean()).log())
    trimmed = float(trimmed_mass(weights, positions))
    null = written.mass_null("present")
    strength = float(null.reference.strength(np.array([found]), np.array([0]))[0])
    circular = bool(written.circular(np.array([feature]))[0])
    # Trimmed against masses of all members, which makes p conservative.
    p = null.estimate(np.full((1, 2, 1), trimmed))
    return SetDetails(
        feature=feature,
        spec=written.spec.canonical(),
        side=side,
        size=len(members),
        mass=found,
        strength=strength,
        leading_edge=ranking.tokens(edge[:most]),
        leading_edge_count=len(edge),
        not_elevated=ranking.tokens(contrary[:most]),
        not_elevated_count=len(contrary),
        not_elevated_share=len(contrary) / len(members),
        missed=ranking.tokens(missed[:most]),
        top_member=ranking.tokens(members[[int(weights[positions].argmax())]])[0],
        mass_without_top=trimmed,
        p_without_top=None if circular else finite(p.p[0, ranking.side, 0]),
        error_without_top=None if circular else finite(p.log10_error[0, ranking.side, 0]),
        effective_members=float(effective_tokens(weights, positions)),
        rivals=rivals_of(workbench, members, ranking, strength, circular, rivals),
        circular=circular,
    )
