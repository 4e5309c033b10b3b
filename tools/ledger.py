"""Counting tests made by hand: enrichment looked at in the name of a run enters that run's ledger."""

from __future__ import annotations

from collections.abc import Iterator

from .errors import UsageError
from .results import EnrichmentRow
from .storage.records import Records
from .storage.tables import Hypothesis, LedgerEntry, Run
from .token_sets.spec import parse_spec
from .workbench import Workbench

HIT_Q = 0.1


class EnrichmentLedger:
    """Writes down, feature by feature, how many tests were made and which were hits (q <= .1) under the present null.

    The run is one that exists on this subject, or a new one. Tests of the same library on the same feature count once.
    """

    def __init__(self, records: Records, workbench: Workbench, run: str) -> None:
        self._records, self._workbench = records, workbench
        existing = {r.name: r for r in records.runs()}.get(run)
        if existing is not None and existing.subject_hash != workbench.subject.hash:
            raise UsageError(
                f"Run {run} is about {existing.subject}, not {workbench.subject.name}: choose another --run."
            )
        self._run: Run = existing or records.open_run(
            run,
            workbench.subject.name,
            workbench.subject.hash,
            {"made_by": "enrich", "library": workbench.library.hash},
        )

    def counted(self, features: Iterator[list[EnrichmentRow]]) -> Iterator[list[EnrichmentRow]]:
        """Pass rows on, one feature at a time, each entered first."""
        for rows in features:
            if rows:
                tests = 2 * len(self._workbench.sets)
                entry = LedgerEntry(feature=rows[0].feature, library_hash=self._workbench.library.hash, n_tests=tests)
                hits = [_hypothesis(row) for row in rows if row.q is not None and row.q <= HIT_Q]
                self._records.write_block(self._run, [], [entry], hits)
            yield rows


def _hypothesis(row: EnrichmentRow) -> Hypothesis:
    return Hypothesis(
        feature=row.feature,
        spec_hash=parse_spec({"library": row.set}).hash,
        set_name=row.set,
        statistic=row.statistic,
        null="present",
        side=row.side,
        effect=row.value,
        p_present=row.p_present,
        p_specific=row.p_specific,
        q=row.q,
    )
