"""What the interactive view of a split histogram and its running sum draws (server/views), in under 60 kB of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel

from ..errors import UsageError
from .reduction import FEW, PROFILE, VISIBLE, bin_edges, outline, peak_rank
from .walk import Walk

Plot = Literal["histogram", "running_sum"]
Shown = Callable[[np.ndarray], Sequence[str]]

_POINTS = 500  # a view is as wide as a chat
_TOKEN, _NAME = 36, 300  # bytes of JSON that a token's text and a title may take
_DIGITS, _EDGE_DIGITS = 6, 9  # significant digits; nine tell any two float32 values apart


class Group(BaseModel):
    """One of the two groups of tokens: how many, and per bin the count and the density (area 1)."""

    size: int
    counts: list[int]
    density: list[float]


class Members(BaseModel):
    """The set's most extreme members, by rank: text, logit weight, rank (0: most promoted), bin of the histogram."""

    tokens: list[str]
    weights: list[float]
    ranks: list[int]
    bins: list[int]


class Curve(BaseModel):
    """Points of the walk down the ranking: rank, its token and logit weight, whether a member, the sum after it."""

    ranks: list[int]
    tokens: list[str]
    weights: list[float]
    hits: list[bool]
    running: list[float]


class Peak(BaseModel):
    """ES+ or ES-, and the rank at which the running sum stands there."""

    rank: int
    score: float


class PlotData(BaseModel):
    """A feature's open tokens, split by a set; ranks count from 0, texts are cut where they are long.

    `profile` counts members in 200 equal stretches of the ranking and is empty where `members` holds all of them;
    `curve` is empty where the running sum is not defined; `peaks` has no score that would be shown as 0.000.
    """

    plot: Plot
    title: str
    set_name: str
    n_tokens: int
    edges: list[float]
    inside: Group
    outside: Group
    members: Members
    profile: list[int]
    curve: Curve
    peaks: list[Peak]

    @classmethod
    def of(
        cls,
        weights: np.ndarray,
        members: np.ndarray,
        walk: Walk,
        shown: Shown,
        *,
        plot: Plot,
        title: str,
        set_name: str,
    ) -> PlotData:
        """The data for `weights` (V,) float32, split by the set at positions `members` (M,), and its walk.

        `shown` gives the texts of tokens at positions; `plot` is what the view shows first. Raises UsageError when the
        set has no member or no token is outside it.
        """
        mask = np.zeros(weights.size, dtype=bool)
        mask[members] = True
        inside, outside = weights[mask], weights[~mask]
        if not inside.size or not outside.size:
            raise UsageError(f"Set {set_name} holds {inside.size} of {weights.size} tokens: a split needs two groups.")
        edges = bin_edges(inside, outside)
        few = inside.size <= FEW
        return cls(
            plot=plot,
            title=_cut(title, _NAME),
            set_name=_cut(set_name, _NAME),
            n_tokens=weights.size,
            edges=_rounded(edges, _EDGE_DIGITS),
            inside=_group(inside, edges),
            outside=_group(outside, edges),
            members=_members(walk, edges, shown),
            profile=[] if few else np.histogram(walk.hits, PROFILE, (0, weights.size))[0].tolist(),
            curve=_curve(walk, mask, shown),
            peaks=_peaks(walk),
        )


def _group(weights: np.ndarray, edges: np.ndarray) -> Group:
    counts, _ = np.histogram(weights, edges)
    density = counts / weights.size / np.diff(edges)
    return Group(size=weights.size, counts=counts.tolist(), density=_rounded(density))


def _members(walk: Walk, edges: np.ndarray, shown: Shown) -> Members:
    weights = walk.weights[walk.hits]
    kept = np.sort(np.argsort(-np.abs(weights), kind="stable")[:FEW])
    ranks, weights = walk.hits[kept], weights[kept]
    bins = np.searchsorted(edges, weights, side="right") - 1  # the last bin holds its right edge
    return Members(
        tokens=_texts(walk.order[ranks], shown),
        weights=_rounded(weights),
        ranks=ranks.tolist(),
        bins=np.minimum(bins, edges.size - 2).tolist(),
    )


def _curve(walk: Walk, mask: np.ndarray, shown: Shown) -> Curve:
    ranks = np.empty(0, dtype=np.int64)
    if not np.isnan(walk.es_positive):
        peaks = [peak.rank for peak in _peaks(walk)]
        ranks = np.union1d(outline(walk.running, _POINTS), np.array(peaks, dtype=np.int64))
    return Curve(
        ranks=ranks.tolist(),
        tokens=_texts(walk.order[ranks], shown),
        weights=_rounded(walk.weights[ranks]),
        hits=mask[walk.order[ranks]].tolist(),
        running=_rounded(walk.running[ranks]),
    )


def _peaks(walk: Walk) -> list[Peak]:
    scores = [score for score in (walk.es_positive, walk.es_negative) if abs(score) >= VISIBLE]  # not NaN either
    return [Peak(rank=peak_rank(walk.running, score), score=_rounded([score])[0]) for score in scores]


def _texts(positions: np.ndarray, shown: Shown) -> list[str]:
    return [_cut(text, _TOKEN) for text in shown(positions)]


def _cut(text: str, limit: int) -> str:
    """The text, shortened until it takes at most `limit` bytes inside a JSON string."""
    if _json_bytes(text) <= limit:
        return text
    kept = text[:limit]
    while _json_bytes(kept) > limit - 3:  # room for the ellipsis
        kept = kept[:-1]
    return kept + "…"


def _json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode()) - 2


def _rounded(values: np.ndarray | Sequence[float], digits: int = _DIGITS) -> list[float]:
    return [float(f"{value:.{digits}g}") for value in values]
