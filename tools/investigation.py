"""What tools work on: the subjects that may be asked about, and the run that counts tests and keeps labels."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from .definitions import expanded
from .errors import UsageError, nearest, shortened
from .progress import to_current

if TYPE_CHECKING:
    from .ledger import TestLedger
    from .storage.records import Records
    from .storage.tables import Run
    from .workbench import Workbench

State = Literal["not loaded", "loading", "ready", "failed"]


class Investigation:
    """Subjects by name, opened when first asked for, and one run for each; threads may share it.

    `subjects` are all that may be asked about, the first where none is named. `run` names the run (with several
    subjects, one each: RUN-SUBJECT); without it, the name follows from the subject, so that every session of a subject
    counts its tests together. `records` are used where given, else the `database` is opened.
    """

    def __init__(
        self,
        subjects: Sequence[str] = ("pocket",),
        *,
        run: str | None = None,
        database: str | None = None,
        device: str | None = None,
        dtype: str | None = None,
        opener: Callable[[str], Workbench] | None = None,
        records: Records | None = None,
    ) -> None:
        if not subjects:
            raise UsageError("No subject was given: name at least one, such as pocket.")
        self.subjects = list(dict.fromkeys(subjects))
        self._run, self._database = run, database
        self._open = opener or functools.partial(_open, device=device, dtype=dtype)
        self._benches: dict[str, Workbench] = {}
        self._states: dict[str, State] = {}
        self._locks = {name: threading.Lock() for name in self.subjects}
        self._ledgers: dict[str, TestLedger] = {}
        self._records_lock = threading.Lock()
        if records is not None:
            self.__dict__["_opened_records"] = records

    def name(self, subject: str = "") -> str:
        """The full name of a subject; raises UsageError for one that is not served."""
        wanted = subject.strip() or self.subjects[0]
        if wanted not in self.subjects:
            raise UsageError(
                f"No subject {shortened(wanted)} is served here.{nearest(wanted, self.subjects)} Served: "
                f"{', '.join(self.subjects)}. Others are added where the server is started: tsea serve --subject NAME."
            )
        return wanted

    def state(self, subject: str = "") -> State:
        """Whether a subject is loaded."""
        return self._states.get(self.name(subject), "not loaded")

    def workbench(self, subject: str = "") -> Workbench:
        """A subject's workbench, loaded by whoever asks first; the others wait."""
        name = self.name(subject)
        with self._locks[name]:
            if name not in self._benches:
                self._states[name] = "loading"
                try:
                    self._benches[name] = self._open(name)
                except BaseException as error:
                    # What was interrupted has not failed.
                    self._states[name] = "failed" if isinstance(error, Exception) else "not loaded"
                    raise
                self._states[name] = "ready"
        return self._benches[name]

    @property
    def records(self) -> Records:
        """The database of runs, labels and tests."""
        with self._records_lock:
            return self._opened_records

    @functools.cached_property
    def _opened_records(self) -> Records:
        from .storage.records import Records

        return Records(self._database)

    def run_name(self, subject: str = "") -> str:
        """The run that counts a subject's tests and keeps its labels."""
        name = self.name(subject)
        if self._run is None:
            return f"serve-{name.replace('/', '-')}-{self.workbench(name).subject.hash[:8]}"
        return self._run if len(self.subjects) == 1 else f"{self._run}-{name.replace('/', '-')}"

    def ledger(self, subject: str = "") -> TestLedger:
        """The ledger of a subject's run, which is made at the first test."""
        from .ledger import TestLedger

        name = self.name(subject)
        workbench, run = self.workbench(name), self.run_name(name)
        records = self.records
        with self._records_lock:
            if name not in self._ledgers:
                self._ledgers[name] = TestLedger(records, workbench, run)
            return self._ledgers[name]

    def run(self, subject: str = "") -> Run:
        """That run as it is on record."""
        return self.ledger(subject).run

    def spec(self, written: str, subject: str = "", *, inputs: bool = False) -> Mapping[str, Any] | str:
        """A token set or input hypothesis with the names defined in the run replaced by what they stand for."""
        known = {name: row.spec for name, row in self.records.definitions(self.run(subject)).items()}
        return expanded(written, known, inputs=inputs)

    def close(self) -> None:
        """Close the database."""
        with self._records_lock:
            if "_opened_records" in self.__dict__:
                self._opened_records.close()


def _open(name: str, device: str | None, dtype: str | None) -> Workbench:
    from .workbench import Workbench

    return Workbench.open(name, device=device, dtype=dtype, progress=to_current)
