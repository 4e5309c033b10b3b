"""Runs, labels and the ledger of tests: written block by block, each block whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import insert, inspect, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ..errors import UsageError, nearest
from .database import open_database, reporting, shown
from .tables import Base, DefinedSet, Hypothesis, Label, LedgerEntry, Run, Status, now
from .whole_runs import delete_run, sizes, statuses

_LISTED = 1000  # values in a query; SQLite takes 32,766 at most
_SHOWN = 60  # characters of a setting that a message shows
_OfRun = TypeVar("_OfRun", Label, LedgerEntry, Hypothesis)


class Records:
    """The database of all runs; `url` as SQLAlchemy writes it, by default `tsea.db` in `home()`.

    Every method is one transaction. Raises TseaError, with what to do, for a database that cannot be read or written.
    """

    def __init__(self, url: str | None = None) -> None:
        self._engine = open_database(url)

    @property
    def place(self) -> str:
        """Where the records are: the file, or the URL without its password."""
        return shown(self._engine.url)

    def open_run(self, name: str | None, subject: str, subject_hash: str, config: Mapping[str, Any]) -> Run:
        """The run called `name` (default: after the hash of its configuration), new or taken up again.

        Raises UsageError, with the differences, when that name stands for another subject or configuration.
        """
        settings: dict[str, Any] = plain(config)
        config_hash = _hash({"subject_hash": subject_hash, "config": settings})
        run = Run(
            name=name or config_hash[:12],
            subject=subject,
            subject_hash=subject_hash,
            config=settings,
            config_hash=config_hash,
        )
        with self._transaction() as session:
            self._insert(session, Run, _values([run]))
            stored = session.scalars(select(Run).where(Run.name == run.name)).one()
        if stored.config_hash != config_hash:
            raise UsageError(
                f"Run {stored.name} exists with other settings: {_differences(stored, run)}. "
                "Give this one another name with --run, or repeat the settings of that run."
            )
        return stored

    def run(self, name: str) -> Run:
        """The run called `name`; raises UsageError with near names when there is none."""
        runs = {run.name: run for run in self.runs()}
        if name not in runs:
            there = (
                f" Runs there: {', '.join(list(runs)[-5:])}."
                if runs
                else " There is no run yet: `tsea label` makes one."
            )
            raise UsageError(f"No run {name} in {self.place}.{nearest(name, runs) or there}")
        return runs[name]

    def runs(self) -> list[Run]:
        """All runs, oldest first."""
        with self._transaction() as session:
            return list(session.scalars(select(Run).order_by(Run.id)))

    def statuses(self) -> dict[int, dict[Status, int]]:
        """Features by status for each run's id that has labels; of several labels of a feature the best status."""
        with self._transaction() as session:
            return statuses(session)

    def sizes(self, run: Run) -> dict[str, int]:
        """The run's rows in each table."""
        with self._transaction() as session:
            return sizes(session, run)

    def delete(self, run: Run) -> None:
        """Delete the run with its labels, ledger, hypotheses and named sets, all or nothing."""
        with self._transaction() as session:
            delete_run(session, run)

    def labelled_features(self, run: Run) -> set[int]:
        """Features that already have their label of this run's batch job, whatever its status."""
        query = select(Label.feature).where(Label.run_id == run.id, Label.batch_key.is_not(None))
        with self._transaction() as session:
            return set(session.scalars(query))

    def write_block(
        self,
        run: Run,
        labels: Sequence[Label],
        ledger: Sequence[LedgerEntry] = (),
        hypotheses: Sequence[Hypothesis] = (),
    ) -> None:
        """Add a block of a batch job, all or nothing; rows that an earlier write of the block left stay as they are."""
        with self._transaction() as session:
            keys = [{"run_id": run.id, "batch_key": f"{run.id}:{label.feature}"} for label in labels]
            self._insert(session, Label, [values | key for values, key in zip(_values(labels), keys, strict=True)])
            self._insert(session, LedgerEntry, [values | {"run_id": run.id} for values in _values(ledger)])
            self._insert(session, Hypothesis, [values | {"run_id": run.id} for values in _values(hypotheses)])

    def finish(self, run: Run, summary: Mapping[str, Any]) -> None:
        """Note that the run is complete, and what came out."""
        query = update(Run).where(Run.id == run.id).values(finished=now(), summary=plain(summary))
        with self._transaction() as session:
            session.execute(query)

    def labels(self, run: Run) -> list[Label]:
        """The run's labels, by feature, then in the order written."""
        return self._of_run(Label, run)

    def ledger(self, run: Run, features: Sequence[int] | None = None) -> list[LedgerEntry]:
        """The run's counts of tests, by feature; of some features where these are given."""
        return self._of_run(LedgerEntry, run, features)

    def hypotheses(self, run: Run, features: Sequence[int] | None = None) -> list[Hypothesis]:
        """The run's tests worth keeping, by feature, then in the order written; of some features where given."""
        return self._of_run(Hypothesis, run, features)

    def submit(self, run: Run, label: Label) -> int:
        """Add one label beside those that the feature has, and return its id."""
        with self._transaction() as session:
            row = insert(Label).values(_values([label])[0] | {"run_id": run.id}).returning(Label.id)
            return session.scalars(row).one()

    def label(self, label_id: int) -> tuple[Label, Run] | None:
        """A label by its id, with its run; None when there is none."""
        query = select(Label, Run).join(Run, Label.run_id == Run.id).where(Label.id == label_id)
        with self._transaction() as session:
            found = session.execute(query).one_or_none()
            return None if found is None else (found[0], found[1])

    def labels_about(
        self, subject_hash: str, words: Sequence[str] = (), features: Sequence[int] | None = None, run: str = ""
    ) -> list[tuple[Label, str]]:
        """Labels of a subject with their run's name, the newest first: those whose text holds all `words` in any case.

        Of some features, and of one run, where these are given.
        """
        query = select(Label, Run.name).join(Run, Label.run_id == Run.id).where(Run.subject_hash == subject_hash)
        for word in words:
            query = query.where(Label.text.icontains(word, autoescape=True))
        if features is not None:
            query = query.where(_among(Label.feature, features))
        if run:
            query = query.where(Run.name == run)
        wanted = None if features is None else set(features)
        with self._transaction() as session:
            found = session.execute(query.order_by(Label.id.desc()))
            return [(label, name) for label, name in found if wanted is None or label.feature in wanted]

    def define(self, run: Run, name: str, spec: Mapping[str, Any], description: str) -> None:
        """Name a token set in a run; raises UsageError where the name stands for another set already."""
        row = DefinedSet(name=name, spec=plain(spec), description=description)
        with self._transaction() as session:
            self._insert(session, DefinedSet, [_values([row])[0] | {"run_id": run.id}])
        known = self.definitions(run)[name]
        if known.spec != row.spec:
            raise UsageError(
                f"The name {name} stands for {_brief(json.dumps(known.spec))} already: choose another one."
            )

    def definitions(self, run: Run) -> dict[str, DefinedSet]:
        """The token sets named in a run, by name."""
        query = select(DefinedSet).where(DefinedSet.run_id == run.id).order_by(DefinedSet.id)
        with self._transaction() as session:
            return {row.name: row for row in session.scalars(query)}

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _of_run(self, table: type[_OfRun], run: Run, features: Sequence[int] | None = None) -> list[_OfRun]:
        query = select(table).where(table.run_id == run.id).order_by(table.feature, table.id)
        if features is not None:
            query = query.where(_among(table.feature, features))
        with self._transaction() as session:
            return list(session.scalars(query))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Session]:
        with reporting(self._engine), Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    def _insert(self, session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
        """Insert rows, leaving out those whose unique key exists (both dialects spell that alike)."""
        if rows:
            dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
            session.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def _among(column: Any, features: Sequence[int]) -> Any:
    """That a feature is one of these; of very many, that it lies between the first and the last."""
    if len(features) <= _LISTED:
        return column.in_(features)
    return column.between(min(features), max(features))


def plain(value: Any) -> Any:
    """The value as JSON and databases know it: numpy's numbers as Python's, NaN and infinities as None."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return plain(value.tolist()) if isinstance(value, (np.generic, np.ndarray)) else value


def _values(rows: Sequence[Base]) -> list[dict[str, Any]]:
    """The rows as inserted: every column but the id, which the database gives."""
    names = [column.key for column in inspect(type(rows[0])).columns if column.key != "id"] if rows else []
    return [{name: plain(getattr(row, name)) for name in names} for row in rows]


def _hash(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).hexdigest()


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _differences(stored: Run, asked: Run) -> str:
    old, new = ({"subject_hash": run.subject_hash} | run.config for run in (stored, asked))
    keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    return ", ".join(f"{key} was {_brief(old.get(key))} and is now {_brief(new.get(key))}" for key in keys)
