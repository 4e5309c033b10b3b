"""Counting tests made by hand: what is tried in the name of a run enters its ledger, and later q-values cover it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from .errors import UsageError
from .inputs.enrichment import ReadingEnrichment
from .inputs.rows import input_test_rows
from .inputs.spec import InputSpec
from .results import EnrichmentRow, InputTestRow, ReadingRow, SetTestRow, finite
from .statistics.earlier import Earlier, q_after
from .statistics.names import NullChoice
from .storage.records import Records
from .storage.tables import Hypothesis, LedgerEntry, Run
from .token_sets.spec import TokenSetSpec, parse_spec
from .workbench import Workbench

HIT = 0.1
MAX_NAME = 1000  # characters of a specification in a row: its hash says which one it is
_BESIDE = ("partial", "partial_reverse")
_Row = TypeVar("_Row", SetTestRow, InputTestRow)


class Made(NamedTuple, Generic[_Row]):
    """Tests on the ledger: the names that they stand under there, and their rows, one list per feature."""

    keys: frozenset[tuple[str, str]]
    rows: list[list[_Row]]

    @classmethod
    def of(
        cls,
        spec: TokenSetSpec | InputSpec,
        null: NullChoice,
        rows: list[list[_Row]],
        given: TokenSetSpec | None = None,
    ) -> Made[_Row]:
        """Tests of a specification under a null."""
        return cls(_keys(spec, null, given), rows)


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
        self.run: Run = existing or records.open_run(
            run,
            workbench.subject.name,
            workbench.subject.hash,
            {"made_by": "enrich", "library": workbench.library.hash},
        )

    def library(self, features: Iterator[list[EnrichmentRow]]) -> Iterator[list[EnrichmentRow]]:
        """Pass rows of library sets on, one feature at a time, each entered first; q <= HIT makes a row of its own.

        Rows of some statistics alone count as these; where all were looked at too, the mass counts twice.
        """
        for rows in features:
            if rows:
                statistics = sorted({row.statistic for row in rows})
                tests = 2 * len(statistics) * len(self._workbench.sets)
                what = "enrich" if len(statistics) > 1 else statistics[0]
                name = f"{self._workbench.library.hash}:{what}"
                entry = LedgerEntry(feature=rows[0].feature, library_hash=name, n_tests=tests)
                hits = [_library_hit(row) for row in rows if row.q is not None and row.q <= HIT]
                self._records.write_block(self.run, [], [entry], hits)
            yield rows

    def reading(self, reading: ReadingEnrichment, rows: list[ReadingRow]) -> list[ReadingRow]:
        """Enter that one feature was read for every set at every place, unless it fires too rarely; the rows."""
        if any(row.p is not None for row in rows):
            name = f"{self._workbench.library.hash}:reading"
            entry = LedgerEntry(feature=rows[0].feature, library_hash=name, n_tests=len(reading.columns))
            self._records.write_block(self.run, [], [entry])
        return rows

    def earlier(
        self,
        spec: TokenSetSpec | InputSpec,
        null: NullChoice,
        features: np.ndarray,
        given: TokenSetSpec | None = None,
    ) -> dict[int, Earlier]:
        """Of features on the ledger, the tests of this run with their hits, without this one under this null."""
        return self._earlier(_keys(spec, null, given), features)

    def written(
        self,
        spec: TokenSetSpec,
        null: NullChoice,
        features: Iterator[list[SetTestRow]],
        given: TokenSetSpec | None = None,
    ) -> Iterator[list[SetTestRow]]:
        """Pass rows of a written set on, one feature at a time, after all of them are entered; p <= HIT makes a row.

        What it adds to a `given` set, and that to it, are tests of their own.
        """
        all_rows = list(features)
        entries: list[LedgerEntry] = []
        hits: list[Hypothesis] = []
        for name in _names(spec, given):
            for rows in all_rows:
                own = [row for row in rows if row.p is not None and (row.statistic in _BESIDE) == (name != spec.hash)]
                if own:
                    key = f"{name}:{null}"
                    entries.append(LedgerEntry(feature=own[0].feature, library_hash=key, n_tests=len(own)))
                    hits += [_written_hit(spec, name, row) for row in own if row.p is not None and row.p <= HIT]
        self._records.write_block(self.run, [], entries, hits)
        yield from all_rows

    def settled(self, made: Sequence[Made[_Row]]) -> list[list[list[_Row]]]:
        """Rows of several tests of the same features, which are on the ledger, with q over these and all else there.

        So no test of a call depends on which of them was made first.
        """
        features = np.array([rows[0].feature for rows in made[0].rows])
        keys = frozenset[tuple[str, str]]().union(*(one.keys for one in made))
        earlier = self._earlier(keys, features)
        before = [earlier.get(feature, Earlier()) for feature in features.tolist()]
        flat = [[row for one in made for row in one.rows[place]] for place in range(len(features))]
        p = np.array([[np.nan if row.p is None else row.p for row in rows] for rows in flat])
        q = q_after(p, before)
        tests = (~np.isnan(p)).sum(axis=1) + np.array([one.tests for one in before])
        settled = [
            [
                row.model_copy(update={"q": finite(found), "tests": int(tests[place])})
                for row, found in zip(rows, q[place], strict=True)
            ]
            for place, rows in enumerate(flat)
        ]
        starts = np.cumsum([0, *(len(one.rows[0]) for one in made)]).tolist()
        return [[rows[start:stop] for rows in settled] for start, stop in itertools.pairwise(starts)]

    def looked(self, feature: int) -> None:
        """Enter that all sets of the library were looked at in a feature, under the present null, by their mass."""
        name = f"{self._workbench.library.hash}:mass"
        entry = LedgerEntry(feature=feature, library_hash=name, n_tests=2 * len(self._workbench.sets))
        self._records.write_block(self.run, [], [entry])

    def _earlier(self, without: frozenset[tuple[str, str]], features: np.ndarray) -> dict[int, Earlier]:
        tests: dict[int, int] = defaultdict(int)
        p: dict[int, list[float]] = defaultdict(list)
        own, asked = {":".join(key) for key in without}, features.tolist()
        for entry in self._records.ledger(self.run, asked):
            if entry.library_hash not in own:
                tests[entry.feature] += entry.n_tests
        for row in self._records.hypotheses(self.run, asked):
            value = row.p_specific if row.null == "specific" else row.p_present
            if (row.spec_hash, row.null) not in without and value is not None:
                p[row.feature].append(value)
        return {feature: Earlier(count, tuple(p[feature])) for feature, count in tests.items()}

    def read(self, reading: ReadingEnrichment, features: np.ndarray, spec: InputSpec) -> list[InputTestRow]:
        """Test an input hypothesis on features and enter it; p <= HIT makes a row."""
        rows = input_test_rows(reading, features, spec, self.earlier(spec, "specific", features))
        made = [row for row in rows if row.p is not None]
        name = f"{spec.hash}:specific"
        entries = [LedgerEntry(feature=row.feature, library_hash=name, n_tests=1) for row in made]
        hits = [_input_hit(spec, row) for row in made if row.p is not None and row.p <= HIT]
        self._records.write_block(self.run, [], entries, hits)
        return rows


def _names(spec: TokenSetSpec | InputSpec, given: TokenSetSpec | None) -> list[str]:
    """Under what the tests of a specification stand; those beside another set under a name of both."""
    both = [] if given is None else [blake2b(f"{spec.hash} {given.hash}".encode(), digest_size=16).hexdigest()]
    return [spec.hash, *both]


def _keys(
    spec: TokenSetSpec | InputSpec, null: NullChoice, given: TokenSetSpec | None = None
) -> frozenset[tuple[str, str]]:
    return frozenset((name, null) for name in _names(spec, given))


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
        set_name=spec.to_json()[:MAX_NAME],
        statistic="reading share",
        null="specific",
        side="input",
        effect=row.share,
        p_specific=row.p,
        q=row.q,
        holds=row.holds,
    )


def _written_hit(spec: TokenSetSpec, name: str, row: SetTestRow) -> Hypothesis:
    return Hypothesis(
        feature=row.feature,
        spec_hash=name,
        set_name=spec.to_json()[:MAX_NAME],
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
