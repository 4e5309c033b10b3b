"""Runs, their labels, scores, tests, leases and spending: written block by block, each block whole or not at all."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ..errors import UsageError, nearest
from . import leases, scores
from .database import open_database, reporting, shown
from .rows import plain, values
from .settings import brief, differences, settings_hash
from .spending import Spent, spent
from .tables import Base, DefinedSet, Hypothesis, Label, LabelScore, LedgerEntry, Run, Spending, Status, now
from .whole_runs import delete_run, sizes, statuses

_LISTED = 1000  # values in a query; SQLite takes 32,766 at most
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
        config_hash = settings_hash(subject_hash, settings)
        run = Run(
            name=name or config_hash[:12],
            subject=subject,
            subject_hash=subject_hash,
            config=settings,
            config_hash=config_hash,
        )
        with self._transaction() as session:
            self._insert(session, Run, values([run]))
            stored = session.scalars(select(Run).where(Run.name == run.name)).one()
            if stored.config_hash != config_hash and not any(sizes(session, stored).values()):
                # A run that never got to anything, as by a wrong model name: its name is free.
                session.execute(update(Run).where(Run.id == stored.id).values(values([run])[0]))
                session.refresh(stored)
        if stored.config_hash != config_hash:
            raise UsageError(
                f"Run {stored.name} exists with other settings: {differences(stored, run)}. "
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
        """Delete the run with its labels, scores, ledger, hypotheses and named sets, all or nothing."""
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
            final = [row | {"batch_key": f"{run.id}:{row['feature']}"} for row in values(labels, run_id=run.id)]
            self._insert(session, Label, final)
            self._insert(session, LedgerEntry, values(ledger, run_id=run.id))
            self._insert(session, Hypothesis, values(hypotheses, run_id=run.id))

    def lease(self, run: Run, features: Sequence[int], holder: str, most: int, seconds: float) -> list[int]:
        """Take up to `most` of the features, in their order, that have no final label and are leased to nobody.

        Not to `holder` either: what it holds already, `extend` tells. Nobody else gets a leased feature for `seconds`;
        then its worker counts as dead. Several processes and machines may ask at once.
        """
        with self._transaction() as session:
            return leases.take(session.connection(), run.id, features, holder, most, seconds)

    def extend(self, run: Run, holder: str, seconds: float) -> list[int]:
        """Let the leases of `holder` run for `seconds` from now; the features that are still its own."""
        with self._transaction() as session:
            return leases.extend(session.connection(), run.id, holder, seconds)

    def release(self, run: Run, holder: str) -> None:
        """Give back whatever `holder` has leased."""
        with self._transaction() as session:
            leases.release(session.connection(), run.id, holder)

    def holders(self, run: Run) -> list[str]:
        """Who has leased features of the run."""
        with self._transaction() as session:
            return leases.holders(session.connection(), run.id)

    def spend(self, run: Run, rows: Sequence[Spending]) -> None:
        """Add requests to an LLM, a row each."""
        with self._transaction() as session:
            self._insert(session, Spending, values(rows, run_id=run.id))

    def spent(self, run: Run) -> Spent:
        """What the run's requests came to, by feature and kind."""
        with self._transaction() as session:
            return spent(session.connection(), run.id)

    def retire_failed(self, run: Run, features: Sequence[int] | None = None) -> int:
        """Make failed labels of the batch job history, so that their features (or those given) are labelled again.

        The labels stay, and the run is open again; the number of them.
        """
        failed = select(Label).where(Label.run_id == run.id, Label.status == "failed", Label.batch_key.is_not(None))
        wanted = None if features is None else set(features)
        with self._transaction() as session:
            retired = [label for label in session.scalars(failed) if wanted is None or label.feature in wanted]
            for label in retired:
                label.batch_key = None
            if retired:
                session.execute(update(Run).where(Run.id == run.id).values(finished=None))
        return len(retired)

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

    def write_scores(self, run: Run, rows: Sequence[LabelScore]) -> None:
        """Add scores of the run's labels, all or nothing; a score that has a value already stays as it is."""
        with self._transaction() as session:
            scores.keep(session, values(rows, run_id=run.id))

    def scores(self, run: Run, exam: str | None = None, labels: Sequence[int] | None = None) -> list[LabelScore]:
        """The scores of the run's labels, in the order written; in one exam and of some labels, by id, where given."""
        with self._transaction() as session:
            return scores.kept(session, run.id, exam, labels)

    def submit(self, run: Run, label: Label) -> int:
        """Add one label beside those that the feature has, and return its id."""
        with self._transaction() as session:
            row = insert(Label).values(values([label], run_id=run.id)[0]).returning(Label.id)
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
            self._insert(session, DefinedSet, values([row], run_id=run.id))
        known = self.definitions(run)[name]
        if known.spec != row.spec:
            raise UsageError(f"The name {name} stands for {brief(json.dumps(known.spec))} already: choose another one.")

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
