"""Token set enrichment scores: Kolmogorov-Smirnov running sums down a feature's ranking of the vocabulary.

Subramanian et al. 2005 (doi:10.1073/pnas.0506580102). The sum rises on members, by 1/k (p=0) or by |weight| over the
members' total |weight| (p=1), and falls by 1/(V - k) on other tokens. It is read where a block of tied weights ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ._scores import Found, found_for, score_row, scratch_for
from .ranks import checked_weights, descending_order, sort_row
from .threads import over_blocks

Power = Literal[0, 1]
Side = Literal["promoted", "suppressed"]
Positions = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class SetIndex:
    """Token sets as one array of positions in the universe, set after set, positions ascending and unique in a set."""

    pointers: NDArray[np.int64]  # (S + 1,): set s owns members[pointers[s]:pointers[s + 1]]
    members: NDArray[np.int32]
    n_tokens: int

    def __post_init__(self) -> None:
        """Refuse whatever would make a kernel read outside its arrays."""
        pointers, members = self.pointers, self.members
        typed = pointers.dtype == np.int64 and members.dtype == np.int32 and pointers.ndim == members.ndim == 1
        if not typed or not pointers.flags.c_contiguous or not members.flags.c_contiguous:
            raise UsageError("A set index needs flat int64 pointers and int32 members: build it with from_positions.")
        if pointers.size == 0 or pointers[0] != 0 or pointers[-1] != members.size or np.any(np.diff(pointers) < 0):
            raise UsageError("Set pointers must rise from 0 to the number of members: build them with from_positions.")
        _check_positions(members, self.n_tokens)
        inside = np.ones(members.size, dtype=bool)
        inside[pointers[:-1][pointers[:-1] < members.size]] = False  # first member of each set
        if np.any(inside[1:] & (np.diff(members) <= 0)):
            raise UsageError("Members must ascend without repeats inside a set: build the index with from_positions.")

    @classmethod
    def from_positions(cls, positions: Sequence[Positions], n_tokens: int) -> SetIndex:
        """Index of sets given as arrays of positions in any order; repeats count once."""
        kept = [np.unique(np.asarray(one, dtype=np.int64)) for one in positions]
        pointers = np.cumsum([0, *(one.size for one in kept)], dtype=np.int64)
        flat = np.concatenate(kept) if kept else np.empty(0, dtype=np.int64)
        _check_positions(flat, n_tokens)  # before int32 could wrap a position into range
        return cls(pointers, flat.astype(np.int32), n_tokens)

    def __len__(self) -> int:
        return self.pointers.size - 1

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of members per set, (S,)."""
        return np.diff(self.pointers)


@dataclass(frozen=True)
class EnrichmentScores:
    """Scores of F features on S sets, each array (F, S); NaN (and rank -1) where a score is not defined.

    A rank counts from 0, the most promoted token; `peak_positive` and `peak_negative` are the ranks after which the
    running sum first stands at ES+ and ES- (-1: it never leaves zero on that side).
    """

    positive: NDArray[np.float64]  # ES+ >= 0
    negative: NDArray[np.float64]  # ES- <= 0
    peak_positive: NDArray[np.int32]
    peak_negative: NDArray[np.int32]

    @classmethod
    def joined(cls, parts: Sequence[EnrichmentScores]) -> EnrichmentScores:
        """Scores of the features of all parts, one after another."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def score(self) -> NDArray[np.float64]:
        """ES: of ES+ and ES- the one further from zero, ES+ when they are equally far."""
        return np.where(self.positive >= -self.negative, self.positive, self.negative)


@dataclass(frozen=True)
class SetScores:
    """Every rank statistic of F features on S sets, NaN where a score is not defined, and what random_set_tests needs.

    The untied share of a row is 1 - sum(t^3 - t) / (V^3 - V) over its blocks of t equal weights: 1 without ties, 0 for
    a constant row, whose magnitudes are given as 0.
    """

    p0: EnrichmentScores
    p1: EnrichmentScores
    auroc: NDArray[np.float64]  # (F, S): how often a member outranks another token, ties counted half
    magnitudes: NDArray[np.float32]  # (F, V): |weight| by rank, from the most promoted token
    untied: NDArray[np.float64]  # (F,)


def score_sets(weights: NDArray[np.float32], sets: SetIndex) -> SetScores:
    """Both enrichment scores and the rank sum of every row of weights (F, V) on every set, from one sort a row.

    The rank sum is given as AUROC, NaN for a row of equal weights. Definitions and errors as enrichment_scores.
    """
    found = _scored(weights, sets, (0, 1))
    p0, p1 = (_of_power(found, place) for place in (0, 1))
    return SetScores(p0, p1, found.auroc, found.magnitudes, found.untied)


def enrichment_scores(weights: NDArray[np.float32], sets: SetIndex, power: Power) -> EnrichmentScores:
    """ES+ and ES- of every row of weights (F, V) on every set.

    power 0 uses ranks alone, exactly; power 1 weighs members by |weight|, so centre the weights first. A row whose
    weights are all equal gives NaN, as does power 1 on a set whose members all have weight 0. Raises UsageError for an
    empty or whole-vocabulary set and for sets of another universe, and as ranks.checked_weights.
    """
    _check_power(power)
    return _of_power(_scored(weights, sets, (power,)), 0)


def running_sum(weights_row: NDArray[np.float32], members: Positions, power: Power) -> NDArray[np.float64]:
    """The running sum after each rank of one ranking, (V,); it moves in equal steps through a block of ties.

    All NaN where enrichment_scores is NaN. Raises as enrichment_scores.
    """
    sets = SetIndex.from_positions([members], weights_row.size)
    if np.isnan(enrichment_scores(weights_row[None], sets, power).positive[0, 0]):
        return np.full(weights_row.size, np.nan)
    order = descending_order(weights_row[None])[0]
    ranked = weights_row[order].astype(np.float64)
    hit = np.isin(order, sets.members)
    gained = np.cumsum(hit * np.abs(ranked) ** power)
    after = gained / gained[-1] - np.cumsum(~hit) / np.sum(~hit)
    block_ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    knots = np.concatenate([[0], block_ends + 1])
    return np.interp(np.arange(1, ranked.size + 1), knots, np.concatenate([[0.0], after[block_ends]]))


def leading_edge(weights_row: NDArray[np.float32], members: Positions, power: Power, side: Side) -> NDArray[np.int32]:
    """Positions of the members that make the score on one side, most extreme first, ties in token order.

    promoted: from the most promoted token down to the peak of the running sum; suppressed: from the most suppressed
    token up to its trough. Empty where the sum never leaves zero on that side. Raises as enrichment_scores.
    """
    if side not in ("promoted", "suppressed"):
        raise UsageError(f"There is no side {side!r}: choose promoted or suppressed.")
    sets = SetIndex.from_positions([members], weights_row.size)
    scores = enrichment_scores(weights_row[None], sets, power)
    turn = int((scores.peak_positive if side == "promoted" else scores.peak_negative)[0, 0])
    if turn < 0:
        return np.empty(0, dtype=np.int32)
    weight_at_turn = weights_row[descending_order(weights_row[None])[0, turn]]
    own = weights_row[sets.members]
    # a turn stands at the end of a tie block, so comparing weights splits no block
    edge = own >= weight_at_turn if side == "promoted" else own < weight_at_turn
    outward = -own[edge] if side == "promoted" else own[edge]
    return sets.members[edge][np.argsort(outward, kind="stable")]


def _scored(weights: NDArray[np.float32], sets: SetIndex, powers: tuple[Power, ...]) -> Found:
    """Scores for each power, and with power 1 all the rest."""
    weights = checked_weights(weights)
    check_sets(sets, weights.shape[1])
    found = found_for(len(weights), sets.n_tokens, len(sets), len(powers))
    wanted = np.array(powers, dtype=np.int64)

    def score(start: int, stop: int) -> None:
        scratch = scratch_for(sets.n_tokens)
        for row in range(start, stop):
            sort_row(weights[row], scratch.ranking.pairs)
            score_row(row, weights, sets.pointers, sets.members, wanted, scratch, found)

    over_blocks(len(weights), score)
    return found


def _of_power(found: Found, place: int) -> EnrichmentScores:
    return EnrichmentScores(*found.extremes[place], *found.peaks[place])


def check_sets(sets: SetIndex, n_tokens: int) -> None:
    """Refuse sets of another universe, and sets that rank nothing: empty, or the whole vocabulary."""
    if sets.n_tokens != n_tokens:
        raise UsageError(f"Sets over {sets.n_tokens} tokens do not fit weights over {n_tokens}: use one universe.")
    useless = np.flatnonzero((sets.sizes == 0) | (sets.sizes == n_tokens))
    if useless.size:
        what = "is empty" if sets.sizes[useless[0]] == 0 else "holds the whole vocabulary"
        raise UsageError(f"Set number {useless[0]} {what} ({useless.size} such sets): leave it out, it ranks nothing.")


def _check_positions(positions: Positions, n_tokens: int) -> None:
    if positions.size and (positions.min() < 0 or positions.max() >= n_tokens):
        raise UsageError(f"Token sets hold positions outside 0..{n_tokens - 1}: map token ids to the universe first.")


def _check_power(power: int) -> None:
    if power not in (0, 1):
        raise UsageError(f"Enrichment power must be 0 (ranks alone) or 1 (weighted by |logit weight|), got {power!r}.")
