"""Deep tails of the weighted enrichment score under random sets, by multilevel splitting.

A population of random sets is split at its median score again and again: the upper half is copied over the lower one
and moved about above the median. Each split halves the probability (Cerou and Guyader 2007,
doi:10.1080/07362990601139628; Korotkevich et al. 2016, doi:10.1101/060012, for enrichment scores). Independent runs
give the standard error.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UsageError
from ._splitting_kernels import TOLERANCE, move_counts, move_members
from .enrichment import EnrichmentScores
from .names import Side
from .p_values import PValues
from .rank_bins import RankBins
from .ranks import checked_weights
from .threads import over_blocks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RUNS = 8
SETS = 128  # per run
_SIDES: tuple[Side, Side] = ("promoted", "suppressed")
REFINE_BELOW = 1e-4  # where the bank's errors grow
DEEPEST = math.log(1e-100)

_BY_MEMBER = 128  # up to this size sets are scored exactly, beyond it by bins
_MIDDLE = 256  # the widest bins hold 1 / 256 of the universe
_MOVES = 10
_KEPT = (0.25, 0.5)  # fewer moves kept: fewer changes a move; more kept: more of them


@dataclass(frozen=True)
class Tail:
    """Natural log of P(ES >= score) on one side per score, (n,), and its standard error.

    Where the standard error is NaN log_p is an upper bound: the tail was followed no deeper.
    """

    log_p: Floats
    standard_error: Floats


def tail(
    magnitudes: NDArray[np.float32],
    size: int,
    scores: ArrayLike,
    side: Side,
    *,
    runs: int = RUNS,
    sets: int = SETS,
    seed: int = 0,
) -> Tail:
    """Tail of ES+ (promoted) or |ES-| (suppressed), p=1, of random sets of `size` under one ranking.

    magnitudes (V,) are |weight| by rank, most promoted first. One pass serves all scores. Raises UsageError for a size
    outside 1..V-1, scores outside 0..1 and fewer than 2 runs, and as ranks.checked_weights.
    """
    ranked = checked_weights(magnitudes[None])[0]
    wanted = np.asarray(scores, dtype=np.float64)
    if not 1 <= size < ranked.size:
        raise UsageError(f"Random sets have 1 to {ranked.size - 1} tokens here, not {size}: leave this set out.")
    if ranked.min() < 0:
        raise UsageError("Random sets need |weights| in ranking order: pass absolute values.")
    if wanted.ndim != 1 or not np.all((wanted >= 0) & (wanted <= 1)):
        raise UsageError("Tails need a list of scores between 0 and 1: ES+, or |ES-| for the suppressed side.")
    if side not in _SIDES:
        raise UsageError(f"There is no side {side!r}: choose promoted or suppressed.")
    if runs < 2 or sets < 4:
        raise UsageError(f"A standard error needs at least 2 runs of 4 sets, got {runs} of {sets}.")
    # ES- is -ES+ of the reversed ranking
    population = _Population(ranked if side == "promoted" else np.ascontiguousarray(ranked[::-1]), size)
    order = np.argsort(wanted)
    log_p = np.empty((runs, wanted.size))
    complete = np.empty((runs, wanted.size), dtype=bool)

    def fill(start: int, stop: int) -> None:
        for run in range(start, stop):
            rng = np.random.default_rng([seed, ranked.size, size, run])
            log_p[run, order], complete[run, order] = _one_run(population, wanted[order], sets, rng)

    over_blocks(runs, fill)
    largest = log_p.max(axis=0)
    mean = largest + np.log(np.mean(np.exp(log_p - largest), axis=0))
    error = np.where(complete.all(axis=0), log_p.std(axis=0, ddof=1) / math.sqrt(runs), np.nan)
    return Tail(np.minimum(mean, 0.0), error)


def refined(found: PValues, magnitudes: NDArray[np.float32], scores: EnrichmentScores, sizes: ArrayLike) -> PValues:
    """The bank's p-values (F, 2, S) with those below REFINE_BELOW computed by splitting, seconds for each size.

    magnitudes (F, V), scores and sizes (S,) as for RandomSetBank.tails.
    """
    p, error = found.p.copy(), found.log10_error.copy()
    values = np.stack([scores.positive, -scores.negative], axis=1)
    wanted = np.asarray(sizes, dtype=np.int64)
    for row, (side, name) in itertools.product(range(len(p)), enumerate(_SIDES)):
        deep = p[row, side] < REFINE_BELOW
        for size in np.unique(wanted[deep]).tolist():
            columns = np.flatnonzero(deep & (wanted == size))
            result = tail(magnitudes[row], size, values[row, side, columns], name)
            p[row, side, columns] = np.maximum(np.exp(result.log_p), np.finfo(np.float64).tiny)
            error[row, side, columns] = result.standard_error / math.log(10)
    return PValues(p, error)


class _Population:
    """How random sets of one size are drawn and moved under one ranking."""

    def __init__(self, ranked: NDArray[np.float32], size: int) -> None:
        self._size, self._n_tokens = size, ranked.size
        self._weights = ranked.astype(np.float64)
        self._bins = None if size <= _BY_MEMBER else RankBins.over(ranked.size, _MIDDLE)
        if self._bins is not None:
            self._weights = self._bins.means(ranked[None])[0].astype(np.float64)
            self._overshoot = self._bins.overshoot(size)

    def draw(self, sets: int, rng: np.random.Generator) -> Integers:
        """Random sets as the kernels want them: ranks (sets, k) or counts (sets, B)."""
        if self._bins is not None:
            return rng.multivariate_hypergeometric(self._bins.widths, self._size, size=sets, method="marginals")
        ranks = [rng.choice(self._n_tokens, self._size, replace=False, shuffle=False) for _ in range(sets)]
        return np.sort(np.array(ranks, dtype=np.int64), axis=1)

    def move(self, lists: Integers, scores: Floats, level: float, moves: int, changes: int, seed: int) -> float:
        """Move sets above `level` about and rescore them; the share of moves that were kept."""
        if self._bins is None:
            return move_members(lists, scores, self._weights, level, moves, changes, seed)
        return move_counts(
            lists,
            scores,
            self._size,
            self._weights,
            self._bins.widths,
            self._overshoot,
            level,
            moves,
            changes,
            seed,
        )


def _one_run(
    population: _Population, wanted: Floats, sets: int, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """log p of ascending scores, and whether each was reached."""
    lists = population.draw(sets, rng)
    scores = np.empty(sets)
    population.move(lists, scores, 0.0, 0, 1, 0)
    log_p = np.zeros(wanted.size)
    reached = np.zeros(wanted.size, dtype=bool)
    log_above, done, changes = 0.0, 0, 1
    while True:
        level = float(np.median(scores))
        if level <= scores.min() + TOLERANCE:  # ties hold half of the sets: go on from the next score above them
            level = min(scores[scores > level + TOLERANCE].tolist(), default=math.inf)
        while done < wanted.size and wanted[done] <= level:
            share = np.count_nonzero(scores >= wanted[done] - TOLERANCE) / sets
            if share == 0:
                break
            log_p[done], reached[done] = log_above + math.log(share), True
            done += 1
        above = np.flatnonzero(scores >= level - TOLERANCE)
        if done == wanted.size or above.size == 0 or log_above < DEEPEST:
            log_p[done:] = log_above
            return log_p, reached
        log_above += math.log(above.size / sets)
        below = np.flatnonzero(scores < level - TOLERANCE)
        source = rng.choice(above, below.size)
        lists[below], scores[below] = lists[source], scores[source]
        kept = population.move(lists, scores, level, _MOVES, changes, int(2**31 * rng.random()))
        if kept < _KEPT[0]:
            changes = max(1, changes // 2)
        elif kept > _KEPT[1]:
            changes = min(2 * changes, lists.shape[1])
