"""Records as one investigation of a batch run sees them: what it adds stays in memory until its label is written.

So what it is told depends on nothing that other investigations of the run do meanwhile: it can be repeated, on another
machine or after a crash, and tests of one that was given up count for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from ..errors import UsageError
from .records import Records
from .tables import DefinedSet, Hypothesis, Label, LedgerEntry, Run

_Row = TypeVar("_Row", LedgerEntry, Hypothesis)
_Key = tuple[object, ...]


class PendingRecords(Records):
    """The records of a database, with one run's tests and named sets added in memory; labels cannot be written here."""

    def __init__(self, records: Records, run: Run) -> None:
        self._engine = records._engine
        self._run = run
        self._ledger: dict[_Key, LedgerEntry] = {}
        self._tests: dict[_Key, Hypothesis] = {}
        self._defined: dict[str, DefinedSet] = {}

    def runs(self) -> list[Run]:
        """The one run."""
        return [self._run]

    def write_block(
        self,
        run: Run,
        labels: Sequence[Label],
        ledger: Sequence[LedgerEntry] = (),
        hypotheses: Sequence[Hypothesis] = (),
    ) -> None:
        """Keep tests; the same one counts once."""
        if labels:
            raise NotImplementedError("Labels are written where the investigation ends.")
        for entry in ledger:
            self._ledger.setdefault(_entry_key(entry), entry)
        for test in hypotheses:
            self._tests.setdefault(_test_key(test), test)

    def ledger(self, run: Run, features: Sequence[int] | None = None) -> list[LedgerEntry]:
        """Counts of tests on record and added here, by feature."""
        stored = {_entry_key(entry): entry for entry in super().ledger(run, features)}
        return _by_feature(self._ledger | stored, features)

    def hypotheses(self, run: Run, features: Sequence[int] | None = None) -> list[Hypothesis]:
        """Tests worth keeping on record and added here, by feature."""
        stored = {_test_key(test): test for test in super().hypotheses(run, features)}
        return _by_feature(self._tests | stored, features)

    def labels_about(
        self, subject_hash: str, words: Sequence[str] = (), features: Sequence[int] | None = None, run: str = ""
    ) -> list[tuple[Label, str]]:
        """Labels of other runs, as they were when this one began."""
        found = super().labels_about(subject_hash, words, features, run)
        return [(label, name) for label, name in found if name != self._run.name and label.created < self._run.created]

    def define(self, run: Run, name: str, spec: Mapping[str, object], description: str) -> None:
        """Name a token set; raises UsageError where the name stands for another set already."""
        row = self._defined.setdefault(name, DefinedSet(name=name, spec=dict(spec), description=description))
        if row.spec != dict(spec):
            raise UsageError(f"The name {name} stands for another set already: choose another one.")

    def definitions(self, run: Run) -> dict[str, DefinedSet]:
        """The token sets named here, by name."""
        return dict(self._defined)

    def tests_of(self, feature: int) -> tuple[list[LedgerEntry], list[Hypothesis]]:
        """What was added about one feature, to be written beside its label."""
        return _by_feature(self._ledger, [feature]), _by_feature(self._tests, [feature])

    def close(self) -> None:
        """Nothing: the connections belong to the records below."""


def _entry_key(entry: LedgerEntry) -> _Key:
    return entry.feature, entry.library_hash


def _test_key(test: Hypothesis) -> _Key:
    return test.feature, test.spec_hash, test.statistic, test.null, test.side


def _by_feature(rows: Mapping[_Key, _Row], features: Sequence[int] | None) -> list[_Row]:
    chosen = [row for row in rows.values() if features is None or row.feature in features]
    return sorted(chosen, key=lambda row: row.feature)
