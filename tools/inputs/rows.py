"""Results of input-side tests, one row each."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..results import InputTestRow, ReadingRow, finite
from ..statistics.earlier import Earlier, q_after
from ..statistics.fdr import two_stage_q_of_adjusted
from .enrichment import HOLDS, ReadingEnrichment
from .spec import InputSpec
from .strongest import LEVELS, Strongest


def reading_rows(reading: ReadingEnrichment, features: np.ndarray) -> list[list[ReadingRow]]:
    """Every set at every place for each feature, smallest p over all sets first.

    q is over all features of the call. What could not be tested is None, as are sets made from the feature.
    """
    readers = reading.features(features)
    found, base = reading.read(readers), reading.places.base
    q = two_stage_q_of_adjusted(found.p_any)
    order = np.lexsort((-found.shares / base, np.nan_to_num(found.p, nan=1), np.nan_to_num(found.p_any, nan=1)))

    def rows(number: int) -> list[ReadingRow]:
        firings = _firings(readers.open, number)
        matched = reading.matched_shares(readers, number)

        def row(column: int) -> ReadingRow:
            where, _ = reading.columns[column]
            return ReadingRow(
                feature=int(features[number]),
                set=reading.set(column).name,
                where=where,
                firings=firings,
                share=float(found.shares[number, column]) if firings else None,
                base=float(base[column]),
                matched=float(matched[column]) if firings and where != "token" else None,
                p=finite(found.p[number, column]),
                p_sets=finite(found.p_any[number, column]),
                q=finite(q[number, column]),
                holds=held(found.confirm_p[number, column]),
            )

        return [row(column) for column in order[number].tolist()]

    return [rows(number) for number in range(len(features))]


def input_test_rows(
    reading: ReadingEnrichment, features: np.ndarray, spec: InputSpec, earlier: Mapping[int, Earlier] | None = None
) -> list[InputTestRow]:
    """An input hypothesis tested on features; q covers all of them and their earlier tests.

    Raises UsageError as `ReadingEnrichment.written` does.
    """
    readers = reading.features(features)
    found = reading.written(readers, spec)
    before = [(earlier or {}).get(feature, Earlier()) for feature in features.tolist()]
    q = q_after(found.p[:, None], before)[:, 0]
    canonical = spec.canonical()
    return [
        InputTestRow(
            feature=int(feature),
            spec=canonical,
            firings=_firings(readers.open, number),
            share=finite(found.shares[number]),
            base=found.base,
            p=finite(found.p[number]),
            q=finite(q[number]),
            tests=before[number].tests + int(not np.isnan(found.p[number])),
            holds=held(found.confirm_p[number]),
            circular=bool(found.circular[number]),
        )
        for number, feature in enumerate(features.tolist())
    ]


def held(confirm_p: float) -> bool | None:
    """Whether what was found holds on the confirm side; None where it could not be tested there."""
    return None if np.isnan(confirm_p) else bool(confirm_p <= HOLDS)


def _firings(strongest: Strongest, number: int) -> int:
    level = int(strongest.level[number])
    return 0 if level < 0 else LEVELS[level]
