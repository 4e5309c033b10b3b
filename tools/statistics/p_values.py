"""p-values that say how precise they are: what every null returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PValues:
    """p-values and the standard error of their log10, arrays of one shape.

    Error 0: exact. Error NaN beside a p-value: an upper bound, the null reaches no further. NaN p: no test.
    """

    p: NDArray[np.float64]
    log10_error: NDArray[np.float64]

    @classmethod
    def exact(cls, p: NDArray[np.float64]) -> PValues:
        """p-values from a formula."""
        return cls(p, np.where(np.isnan(p), np.nan, 0.0))

    @classmethod
    def joined(cls, parts: Sequence[PValues]) -> PValues:
        """The p-values of all parts, one after another along the first axis."""
        return cls(np.concatenate([part.p for part in parts]), np.concatenate([part.log10_error for part in parts]))
