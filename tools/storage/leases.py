"""Features shared out between workers: each is leased to one at a time, until it has its label or the lease expires."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Text, cast, delete, exists, func, insert, literal, or_, select, update

from .schema import lock_writers
from .tables import Label, Lease, now


def take(
    connection: Connection, run_id: int, features: Sequence[int], holder: str, most: int, seconds: float
) -> list[int]:
    """Lease the first `most` of the features that have neither a final label nor a lease that runs."""
    lock_writers(connection)
    moment = _moment(connection)
    of_run = Lease.run_id == run_id
    final = select(Label.feature).where(Label.run_id == run_id, Label.batch_key.is_not(None))
    labelled = exists().where(Label.batch_key == literal(f"{run_id}:") + cast(Lease.feature, Text))
    connection.execute(delete(Lease).where(of_run, or_(Lease.expires <= moment, labelled)))
    # One query for both: what a worker labels and releases meanwhile is seen in one of them.
    busy = set(connection.scalars(select(Lease.feature).where(of_run).union_all(final)))
    free = (int(feature) for feature in dict.fromkeys(features) if feature not in busy)
    taken = list(itertools.islice(free, most))
    if taken:
        row = {"run_id": run_id, "holder": holder, "expires": moment + timedelta(seconds=seconds)}
        connection.execute(insert(Lease), [row | {"feature": feature} for feature in taken])
    return taken


def extend(connection: Connection, run_id: int, holder: str, seconds: float) -> list[int]:
    """Let the holder's leases run for `seconds` from now; the features that are still its own."""
    expires = _moment(connection) + timedelta(seconds=seconds)
    query = update(Lease).where(Lease.run_id == run_id, Lease.holder == holder).values(expires=expires)
    return sorted(connection.scalars(query.returning(Lease.feature)))


def release(connection: Connection, run_id: int, holder: str) -> None:
    """End the holder's leases."""
    connection.execute(delete(Lease).where(Lease.run_id == run_id, Lease.holder == holder))


def holders(connection: Connection, run_id: int) -> list[str]:
    """Who holds leases of the run, run out or not."""
    return list(connection.scalars(select(Lease.holder).where(Lease.run_id == run_id).distinct()))


def _moment(connection: Connection) -> datetime:
    """This moment by the clock that all workers share: the server's, or this machine's for a file."""
    server = None if connection.dialect.name == "sqlite" else connection.scalar(select(func.clock_timestamp()))
    return server or now()
