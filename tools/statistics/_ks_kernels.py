"""Tails of the Kolmogorov-Smirnov statistic of a random set, a = min(k, n - k) tokens of the rarer kind and b others.

A tail starts at an integer u: D+ >= u / (a b), where D+ = max over ranks of h/a - m/b after h rare and m other tokens.
D+ of a set and of its complement have one distribution (reverse the ranking), so a <= b loses nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._jit import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_NEGLIGIBLE = 36.0  # e^-36 of the largest term is below the rounding of the sum
_PROBED = 64  # terms among which the largest is looked for


@compiled
def log_share(log_factorial: Floats, n: int, a: int, m: int, h: int) -> float:
    """log of the number of paths with a rare of n tokens that have h rare and m others first."""
    before = log_factorial[m + h] - log_factorial[m] - log_factorial[h]
    return before + log_factorial[n - m - h] - log_factorial[n - a - m] - log_factorial[a - h]


@compiled
def ballot_tail(tails: Integers, rare: Integers, log_factorial: Floats, log_p: Floats) -> None:
    """log P(D+ >= u / (a b)) for each u in `tails` with a in `rare`, summed over the first passage of the boundary.

    Reversed, the path crosses after H rare and M = ceil((u + b H) / a) other tokens; the ballot theorem gives the share
    c / (M + H), c = M - b H / a, of the C(M+H, H) C(n-M-H, a-H) paths of C(n, a) through that point.
    """
    n = log_factorial.size - 1
    for index in range(tails.size):
        u, a = int(tails[index]), int(rare[index])
        b = n - a
        all_paths = log_factorial[n] - log_factorial[a] - log_factorial[b]
        if u <= 0 or u > a * b:
            log_p[index] = 0.0 if u <= 0 else -np.inf
            continue
        largest, added = -np.inf, 0.0
        for h in range(0, a + 1, max(1, a // _PROBED)):  # near the largest term; the sum is in units of it
            m = (u + b * h + a - 1) // a
            if m <= b:
                largest = max(largest, log_share(log_factorial, n, a, m, h) - all_paths)
        h, m = 0, (u + a - 1) // a
        excess = m * a - u  # m a - (u + b h), carried along instead of divided anew
        whole, part = b // a, b % a
        while h <= a and m <= b:
            log_paths = log_share(log_factorial, n, a, m, h) - all_paths - largest
            if log_paths > -_NEGLIGIBLE:
                share = (u + excess) / (a * (m + h))
                added += share * np.exp(log_paths)
            h += 1
            m += whole
            excess -= part
            if excess < 0:
                m += 1
                excess += a
        log_p[index] = min(0.0, largest + np.log(added))


@compiled
def exact_tail(tails: Integers, rare: Integers, n: int, two_sided: bool, p: Floats) -> None:
    """P(D+ >= u / (a b)), or of max(D+, D-), for each u > 0 in `tails` with a in `rare`, by recursion over all ranks.

    crossed[h] is the probability that a path has crossed, given that h of its first t tokens are rare; the last of
    them is rare with probability h / t. Every term is positive, so nothing cancels. O(a b) per tail.
    """
    for index in range(tails.size):
        u, a = int(tails[index]), int(rare[index])
        b = n - a
        crossed = np.zeros(a + 1, dtype=np.float64)
        for t in range(1, n + 1):
            low, high = max(0, t - b), min(a, t)
            above = (u + t * a + n - 1) // n  # smallest h with h n - t a >= u
            below = (t * a - u) // n  # largest h with t a - h n >= u
            if above <= high:
                high = above - 1
            if two_sided and below >= low:
                low = below + 1
            for h in range(high, max(low, 1) - 1, -1):
                crossed[h] = (h * crossed[h - 1] + (t - h) * crossed[h]) / t
            # h = 0 is left as it was: its only predecessor is h = 0
            if above <= min(a, t):
                crossed[above] = 1.0
            if two_sided and below >= max(0, t - b):
                crossed[below] = 1.0
        p[index] = crossed[a]
