"""The classic null of the p=0 enrichment score: a random set of k of the universe's n tokens.

Tokens count as independent here, which they are not: the direction nulls judge, this one is for comparison. Exact up
to n = 2,000; beyond it the first-passage sum is within 1 % (relative), closer the smaller k / n, and interpolating
between its values costs less than another 2 % down to p = 1e-8, 7 % down to 1e-21. Weights are taken as
free of ties; where they tie, the p-value is too large, never too small.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from ..errors import UsageError
from . import _ks_kernels
from .threads import over_blocks

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_EXACT_UP_TO = 2000
_EXACT_FLOOR = 1e-290  # below it the exact recursion underflows and the sum of logarithms takes over
_SMALLEST = float(np.finfo(np.float64).tiny)
_STRATA = 128  # of the integral behind the expected score
# Where scores lie dense, log p is interpolated between so many of its values.
_SMOOTH_FROM, _SMOOTH_UNIVERSE, _CLUSTERED, _KNOTS = 150, 8000, 10, 64


def log_p_one_sided(d: ArrayLike, k: ArrayLike, n: int) -> Floats:
    """Natural log of P(ES+ >= d) for random sets of k of n tokens, d and k broadcast; down to log(1 / C(n, k))."""
    tails, rare, shape = _flat_tails(d, k, n)
    if n > _EXACT_UP_TO:
        return _ballot(tails, rare, n).reshape(shape)
    p = _exact(np.maximum(tails, 1), rare, n, two_sided=False)
    deep = p < _EXACT_FLOOR
    log_p = np.log(np.where(deep, 1.0, p))
    log_p[deep] = _ballot(tails[deep], rare[deep], n)
    log_p[tails <= 0] = 0.0
    return log_p.reshape(shape)


def p_random(es: ArrayLike, k: ArrayLike, n: int) -> Floats:
    """Two-sided p-value of enrichment scores (p=0): P(|ES| >= |es|) for a random set of k of n tokens.

    es of any shape with k broadcast to it, as (F, S) scores with (S,) sizes; NaN stays NaN. It equals the p-value GSEA
    takes among random sets whose score has the same sign. Never 0: smaller values are given as 2.2e-308.
    """
    scores = np.abs(np.asarray(es, dtype=np.float64))
    if np.any(scores > 1):
        raise UsageError("Enrichment scores lie between -1 and 1: pass scores, not p-values or normalised scores.")
    unknown = np.isnan(scores)
    tails, rare, shape = _flat_tails(np.where(unknown, 0.0, scores), k, n)
    return np.where(unknown, np.nan, _two_sided(tails, rare, n).reshape(shape))


@lru_cache(maxsize=65_536)
def expected_absolute_es(k: int, n: int) -> float:
    """E|ES| (p=0) over random sets of k of n tokens; a normalised score (NES) is ES over this."""
    _check_sizes(np.asarray(k), n)
    # E U = sum over u >= 1 of P(U >= u) with U = |ES| k (n - k), in strata that each take their middle value; single
    # integers when there are few. Beyond the last stratum P < 1e-15.
    steps = k * (n - k)
    last = min(steps, math.ceil(steps * math.sqrt(18 * n / steps)))
    edges = np.unique(np.linspace(0, last, min(last, _STRATA) + 1).astype(np.int64))
    middles = (edges[:-1] + edges[1:] + 1) // 2
    tails = _two_sided(middles, np.full(middles.size, min(k, n - k)), n)
    return float(np.dot(tails, np.diff(edges)) / steps)


def _flat_tails(distances: ArrayLike, k: ArrayLike, n: int) -> tuple[Integers, Integers, tuple[int, ...]]:
    """Flat u and a of each distance, u the smallest integer with u / (k (n - k)) >= it; and the broadcast shape.

    Scores are such multiples up to rounding, hence the 1e-4.
    """
    d, sizes = np.broadcast_arrays(np.asarray(distances, dtype=np.float64), np.asarray(k, dtype=np.int64))
    _check_sizes(sizes, n)
    tails = np.ceil(np.clip(d, -1.0, 2.0) * (sizes * (n - sizes)) - 1e-4)
    return tails.astype(np.int64).ravel(), np.minimum(sizes, n - sizes).ravel(), d.shape


def _two_sided(tails: Integers, rare: Integers, n: int) -> Floats:
    positive = np.maximum(tails, 1)
    if n <= _EXACT_UP_TO:
        p = _exact(positive, rare, n, two_sided=True)
        deep = p < _EXACT_FLOOR
        p[deep] = 2 * np.exp(_ballot(positive[deep], rare[deep], n))
    else:
        p = _reflected(_ballot(positive, rare, n))
    p[tails <= 0] = 1.0
    return np.maximum(p, _SMALLEST)


def _reflected(log_one_sided: Floats) -> Floats:
    """P(max(D+, D-) >= d) from log q = log P(D+ >= d): 2 sum over j >= 1 of (-1)^(j-1) q^(j^2).

    That is 1 - theta_4(q); where q is near 1 the series is slow and Jacobi's transformation of it needs one term.
    """
    exponent = np.clip(-log_one_sided, 1e-3, None)
    series = np.zeros_like(exponent)
    for j in range(1, 8):
        series += (-1) ** (j - 1) * 2 * np.exp(-exponent * j**2)
    transformed = 1 - 2 * np.sqrt(np.pi / exponent) * np.exp(-(np.pi**2) / (4 * exponent))
    return np.where(exponent < 1, transformed, series)


def _exact(tails: Integers, rare: Integers, n: int, *, two_sided: bool) -> Floats:
    p = np.empty(tails.size, dtype=np.float64)

    def fill(start: int, stop: int) -> None:
        _ks_kernels.exact_tail(tails[start:stop], rare[start:stop], n, two_sided, p[start:stop])

    over_blocks(tails.size, fill)
    return p


def _ballot(tails: Integers, rare: Integers, n: int) -> Floats:
    """log P(D+ >= u / (a b)) for each u in `tails`, a in `rare`."""
    log_p = np.empty(tails.size, dtype=np.float64)
    on_curve = _is_smooth(rare, n) & (tails > 0) & (tails <= _reach(rare, n))
    log_p[~on_curve] = _summed(tails[~on_curve], rare[~on_curve], n)
    for a in np.unique(rare[on_curve]).tolist():
        own = np.flatnonzero(on_curve & (rare == a))
        log_p[own] = np.minimum(0.0, _curve(a, n)(_attained(tails[own], a, n)))
    return log_p


def _is_smooth(a: Integers, n: int) -> NDArray[np.bool_]:
    """Whether scores of a of n tokens lie so dense that log p is a smooth function of them.

    They are not where b is nearly, but not quite, a multiple of a: then they come in clusters.
    """
    over = (n - a) % a
    clustered = (over > 0) & (np.minimum(over, a - over) < _CLUSTERED)
    return (a >= _SMOOTH_FROM) & ~clustered if n >= _SMOOTH_UNIVERSE else np.zeros(a.shape, dtype=bool)


def _reach(a: Integers, n: int) -> Integers:
    """The largest u that curves give: where p is about exp(-50)."""
    reach: Floats = 5 * np.sqrt(a * (n - a) * float(n))
    return reach.astype(np.int64)


def _attained(u: Integers, a: int, n: int) -> Integers:
    """The smallest score not below u: scores are multiples of what a and b have in common."""
    step = math.gcd(a, n - a)
    return -(-u // step) * step


@lru_cache(maxsize=65_536)
def _curve(a: int, n: int) -> CubicSpline:
    """log P(D+ >= u / (a b)) as a function of an attained u. It starts at 0; the sum is rough next to it."""
    last = int(_reach(np.array([a]), n)[0])
    knots = _attained(np.linspace(0, last, _KNOTS).astype(np.int64), a, n)
    return CubicSpline(knots, np.append(0.0, _summed(knots[1:], np.full(_KNOTS - 1, a), n)))


def _summed(tails: Integers, rare: Integers, n: int) -> Floats:
    log_factorial = _log_factorials(n)
    log_p = np.empty(tails.size, dtype=np.float64)

    def fill(start: int, stop: int) -> None:
        _ks_kernels.ballot_tail(tails[start:stop], rare[start:stop], log_factorial, log_p[start:stop])

    over_blocks(tails.size, fill)
    return log_p


@lru_cache(maxsize=4)
def _log_factorials(n: int) -> Floats:
    return np.array([math.lgamma(i + 1) for i in range(n + 1)])


def _check_sizes(k: NDArray[np.integer], n: int) -> None:
    if np.any((k < 1) | (k >= n)):
        raise UsageError(f"A random-set p-value needs sets of 1 to {n - 1} of the {n} tokens: leave other sets out.")
