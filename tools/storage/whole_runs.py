"""Queries about whole runs: the status of their features, their rows in every table, their deletion."""

from __future__ import annotations

from typing import get_args

from sqlalchemy import Table, case, delete, func, select
from sqlalchemy.orm import Session

from .tables import Base, Label, Run, Status

STATUSES: tuple[Status, ...] = get_args(Status)  # of several labels of a feature, the status that comes first counts


def statuses(session: Session) -> dict[int, dict[Status, int]]:
    """Features by status, for each run's id that has labels; a feature of several labels counts once, by the best."""
    rank = func.min(case({status: rank for rank, status in enumerate(STATUSES)}, value=Label.status)).label("rank")
    features = select(Label.run_id, rank).group_by(Label.run_id, Label.feature).subquery()
    query = select(features.c.run_id, features.c.rank, func.count()).group_by(features.c.run_id, features.c.rank)
    found: dict[int, dict[Status, int]] = {}
    for run_id, best, count in session.execute(query):
        found.setdefault(run_id, dict.fromkeys(STATUSES, 0))[STATUSES[best]] = count
    return found


def sizes(session: Session, run: Run) -> dict[str, int]:
    """Rows of a run in each table that has any of runs."""
    return {
        table.name: session.scalar(select(func.count()).select_from(table).where(table.c.run_id == run.id)) or 0
        for table in _tables()
    }


def delete_run(session: Session, run: Run) -> None:
    """Delete a run and its rows in every table."""
    for table in reversed(_tables()):
        session.execute(delete(table).where(table.c.run_id == run.id))
    session.execute(delete(Run).where(Run.id == run.id))


def _tables() -> list[Table]:
    """The tables whose rows belong to a run, each before those that refer to it."""
    return [table for table in Base.metadata.sorted_tables if "run_id" in table.columns]
