"""Rankings of the vocabulary by logit weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import TseaError, UsageError
from ._order import order_row, pair_row
from .threads import over_blocks


def checked_weights(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weights (F, V), C-contiguous, after checking that they are float32, finite and at least one token wide.

    Other types are refused, not converted: rounding float64 to float32 would make ties that were not there.
    Raises UsageError for a wrong shape or type, TseaError for non-finite values.
    """
    if weights.ndim != 2 or weights.shape[1] == 0:
        raise UsageError(f"Logit weights must have shape (features, tokens), got {weights.shape}: one row a feature.")
    if weights.dtype != np.float32:
        raise UsageError(f"Logit weights must be float32, got {weights.dtype}: convert with .astype(numpy.float32).")
    finite = np.empty(len(weights), dtype=bool)

    def check(start: int, stop: int) -> None:
        for row in range(start, stop):
            # min and max carry NaN and infinities without an array of flags as wide as the row
            finite[row] = np.isfinite(weights[row].min()) and np.isfinite(weights[row].max())

    over_blocks(len(weights), check)
    rows = np.flatnonzero(~finite)
    if rows.size:
        raise TseaError(
            f"Logit weights are not finite in {rows.size} of {len(weights)} rows (first: row {rows[0]}): "
            "leave these features out, or load the model in a wider dtype."
        )
    return np.ascontiguousarray(weights)


def sort_row(row: NDArray[np.float32], pairs: NDArray[np.uint64]) -> None:
    """Fill `pairs` (V,) with one row's sorted pairs of key and token (see _order)."""
    pair_row(row.view(np.uint32), pairs)
    pairs.sort()  # vectorised; pairs differ, so any sort gives the same order


def descending_order(weights: NDArray[np.float32]) -> NDArray[np.int32]:
    """Token positions by falling weight, per row: (F, V) float32 -> (F, V) int32; equal weights keep token order."""
    weights = checked_weights(weights)
    orders = np.empty(weights.shape, dtype=np.int32)

    def order(start: int, stop: int) -> None:
        pairs = np.empty(weights.shape[1], dtype=np.uint64)
        for row in range(start, stop):
            sort_row(weights[row], pairs)
            order_row(pairs, orders[row])

    over_blocks(len(weights), order)
    return orders
