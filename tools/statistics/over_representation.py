"""Over-representation: does a set hold more of some drawn items than chance would have it? The hypergeometric tail.

Also known as the one-sided Fisher exact test.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def over_representation_p(shared: Counts, sizes: Counts, drawn: int, universe: int) -> Floats:
    """P(X >= shared) (S,) for the members of sets of `sizes` (S,) among `drawn` items out of `universe`."""
    counts = np.arange(drawn + 1, dtype=np.int64)[None]
    k = sizes[:, None]
    possible = (counts >= shared[:, None]) & (counts <= k) & (drawn - counts <= universe - k)
    held = np.where(possible, counts, np.clip(drawn + k - universe, 0, None))
    log_p = _log_choose(k, held) + _log_choose(universe - k, drawn - held) - _log_choose(universe, drawn)
    total: Floats = logsumexp(np.where(possible, log_p, -np.inf), axis=1)
    return np.exp(np.minimum(total, 0.0))


def _log_choose(n: Counts | int, k: Counts | int) -> Floats:
    return gammaln(np.add(n, 1)) - gammaln(np.add(k, 1)) - gammaln(np.subtract(n, k) + 1)
