"""Counting tests made by hand: what is tried in the name of a run enters its ledger, and later q-values cover it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from .errors import UsageError
from .inputs.enrichment import ReadingEnrichment
from .inputs.rows import input_test_rows
from .inputs.spec import InputSpec
from .results import EnrichmentRow, InputTestRow, SetTestRow
from .statistics.earlier import Earlier
from .statistics.names import NullChoice
from .storage.records import Records
from .storage.tables import Hypothesis, LedgerEntry, Run
from .token_sets.spec import TokenSetSpec, parse_spec
from .workbench import Workbench

HIT = 0.1


class TestLedger:
    """The ledger of a run that exists on this subject, or of a new one. The same test of a feature counts once."""

    __test__ = False  # pytest: not a test class

    def __init__(self, records: Records, workbench: Workbench, run: str) -> None:
        self._records, self._workbench = records, workbench
        existing = {r.name: r for r in records.runs()}.get(run)
        if existing is not None and existing.subject_hash != workbench.subject.hash:
            raise UsageError(
                f"Run {run} is about {existing.subject}, or about other tokens of it, not about "
                f"{workbench.subject.name} as ranked here: choose another --run."
            )
        self._run: Run = existing or records.open_run(
            run,
            workbench.subject.name,
            workbench.subject.hash,
            {"made_by": "enrich", "library": workbench.library.hash},
        )

    def library(self, features: Iterator[list[EnrichmentRow]]) -> Iterator[list[EnrichmentRow]]:
        """Pass rows of library sets on, one feature at a time, each entered first; q <= HIT makes a row of its own."""
        name = f"{self._workbench.library.hash}:enrich"
        for rows in features:
            if rows:
                statistics = len({row.statistic for row in rows})
                tests = 2 * statistics * len(self._workbench.sets)
                entry = LedgerEntry(feature=rows[0].feature, library_hash=name, n_tests=tests)
                hits = [_library_hit(row) for row in rows if row.q is not None and row.q <= HIT]
                self._records.write_block(self._run, [], [entry], hits)
            yield rows

    def earlier(self, spec: TokenSetSpec | InputSpec, null: NullChoice) -> dict[int, Earlier]:
        """Of every feature on the ledger, the tests of this run with their hits, without this one under this null."""
        tests: dict[int, int] = defaultdict(int)
        p: dict[int, list[float]] = defaultdict(list)
        for entry in self._records.ledger(self._run):
            if entry.library_hash != f"{spec.hash}:{null}":
                tests[entry.feature] += entry.n_tests
        for row in self._records.hypotheses(self._run):
            value = row.p_specific if row.null == "specific" else row.p_present
            if (row.spec_hash, row.null) != (spec.hash, null) and value is not None:
                p[row.feature].append(value)
        return {feature: Earlier(count, tuple(p[feature])) for feature, count in tests.items()}

    def written(
        self, spec: TokenSetSpec, null: NullChoice, features: Iterator[list[SetTestRow]]
    ) -> Iterator[list[SetTestRow]]:
        """Pass rows of a written set on, one feature at a time, after all of them are entered; p <= HIT makes a row."""
        all_rows = list(features)
        entries = [
            LedgerEntry(
                feature=rows[0].feature,
                library_hash=f"{spec.hash}:{null}",
                n_tests=int(np.sum([row.p is not None for row in rows])),
            )
            for rows in all_rows
        ]
        hits = [_written_hit(spec, row) for rows in all_rows for row in rows if row.p is not None and row.p <= HIT]
        self._records.write_block(self._run, [], entries, hits)
        yield from all_rows

    def read(self, reading: ReadingEnrichment, features: np.ndarray, spec: InputSpec) -> list[InputTestRow]:
        """Test an input hypothesis on features and enter it; p <= HIT makes a row."""
        rows = input_test_rows(reading, features, spec, self.earlier(spec, "specific"))
        made = [row for row in rows if row.p is not None]
        name = f"{spec.hash}:specific"
        entries = [LedgerEntry(feature=row.feature, library_hash=name, n_tests=1) for row in made]
        hits = [_input_hit(spec, row) for row in made if row.p is not None and row.p <= HIT]
        self._records.write_block(self._run, [], entries, hits)
        return rows


def _library_hit(row: EnrichmentRow) -> Hypothesis:
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


def _input_hit(spec: InputSpec, row: InputTestRow) -> Hypothesis:
    return Hypothesis(
        feature=row.feature,
        spec_hash=spec.hash,
        set_name=spec.to_json(),
        statistic="reading share",
        null="specific",
        side="input",
        effect=row.share,
        p_specific=row.p,
        q=row.q,
        holds=row.holds,
    )


def _written_hit(spec: TokenSetSpec, row: SetTestRow) -> Hypothesis:
    return Hypothesis(
        feature=row.feature,
        spec_hash=spec.hash,
        set_name=spec.to_json(),
        statistic=row.statistic,
        null=row.null,
        side=row.side,
        effect=row.value,
        # The random-set null has no column of its own: the row's `null` says which p this is.
        p_present=None if row.null == "specific" else row.p,
        p_specific=row.p if row.null == "specific" else None,
        q=row.q,
        holds=row.holds,
    )
