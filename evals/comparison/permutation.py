"""The paired permutation test: how often differences with signs drawn at random are as large as those found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

EXACT = 18  # differences that are not 0, up to which all sign patterns are looked at
DRAWS = 19_999
SEED = 0
_ROUNDING = 1e-12  # of the sum of all |differences|: sums that differ by less are equal
_BLOCK = 2_000_000  # bytes drawn at once


def sign_flip_p(differences: np.ndarray, *, seed: int = SEED) -> float | None:
    """Two-sided p of the mean of paired differences (n,) under the null that each is as likely to be its negative.

    Exact where at most EXACT differences are not 0; else (r + 1) / (DRAWS + 1), with r of the DRAWS sign patterns as
    extreme. None where n = 0. Fisher 1935, "The Design of Experiments", section 21; Phipson & Smyth 2010
    (doi:10.2202/1544-6115.1585) for the Monte Carlo form.
    """
    if not len(differences):
        return None
    sizes = np.abs(differences[differences != 0])
    least = abs(float(differences.sum())) - _ROUNDING * float(sizes.sum())
    if len(sizes) <= EXACT:
        return float(np.mean(np.abs(_all_sums(sizes)) >= least))
    extreme = sum(int(np.count_nonzero(np.abs(sums) >= least)) for sums in _drawn_sums(sizes, seed))
    return (extreme + 1) / (DRAWS + 1)


def _drawn_sums(sizes: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """Sums of the sizes under DRAWS sign patterns; a drawn byte gives eight signs, whose sums stand in a table."""
    eights = np.append(sizes, np.zeros(-len(sizes) % 8)).reshape(-1, 8)
    signs = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1.0
    tables, rng = eights @ signs.T, np.random.default_rng(seed)
    step = max(1, _BLOCK // len(eights))
    for begin in range(0, DRAWS, step):
        drawn = rng.integers(0, 256, (min(step, DRAWS - begin), len(eights)), np.uint8)
        yield tables[np.arange(len(eights)), drawn].sum(axis=1)


def _all_sums(sizes: np.ndarray) -> np.ndarray:
    """Sums of the sizes under all sign patterns, those that differ in every sign counted once."""
    sums = np.zeros(1)
    for number, size in enumerate(sizes):
        sums = np.concatenate([sums + size, sums - size]) if number else sums + size
    return sums
