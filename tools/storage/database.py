"""Opening the database of records, and saying in one line why it cannot be used."""

from __future__ import annotations

import contextlib
import functools
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from ..errors import TseaError, UsageError
from ..files import write_failure
from .home import home
from .schema import prepare

LOCK_SECONDS = 30  # how long a writer waits for another one
_EXAMPLES = "Give one like sqlite:////folder/tsea.db or postgresql://user@host/name."


def open_database(url: str | None) -> Engine:
    """An engine on `url` (default: the SQLite file `tsea.db` in `home()`) whose tables are those of this version.

    Raises UsageError for a URL that is none of SQLite's or PostgreSQL's, TseaError for a database that cannot be used
    or that a newer version made.
    """
    address = _address(url)
    try:
        # Tried before use: a server that was started anew meanwhile is no reason to stop.
        engine = create_engine(
            address, json_serializer=functools.partial(json.dumps, allow_nan=False), pool_pre_ping=True
        )
    except ImportError as error:
        raise UsageError(
            f"The database {shown(address)} needs the driver psycopg: pip install 'tsea[postgres]', and write "
            "postgresql+psycopg://user@host/name."
        ) from error
    if address.get_backend_name() == "sqlite":
        _make_folder(address)
        event.listen(engine, "connect", _set_up_sqlite)
    else:
        event.listen(engine, "connect", _set_up_postgresql)
    try:
        with reporting(engine), engine.begin() as connection:
            prepare(connection, shown(address))
    except TseaError:
        engine.dispose()
        raise
    return engine


def shown(address: URL) -> str:
    """The address for people: the file of SQLite, else the URL without its password."""
    if address.get_backend_name() == "sqlite" and address.database:
        return address.database
    return address.render_as_string(hide_password=True)


@contextlib.contextmanager
def reporting(engine: Engine) -> Iterator[None]:
    """Turn what the database objects to into one line with a way out."""
    try:
        yield
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise TseaError(f"Cannot use the database {shown(engine.url)}: {reason}. {_way_out(reason)}") from error


def _way_out(reason: str) -> str:
    if "locked" in reason:
        return "Another program is writing to it: wait for that one to end, then run again."
    if "full" in reason:
        return "Free some space, then run again: finished blocks are kept."
    if "readonly" in reason or "unable to open" in reason:
        return "Give a file in a folder you can write with --db sqlite:////folder/tsea.db."
    if "not a database" in reason or "malformed" in reason:
        return "The file is damaged or something else: move it away, or give another one with --db."
    return "Check the address and the database, or give another one with --db."


def _address(url: str | None) -> URL:
    if url is None:
        return URL.create("sqlite", database=str(home() / "tsea.db"))
    try:
        address = make_url(url)
        backend = address.get_backend_name()
        address.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise UsageError(f"Not the address of a database: {url}. {_EXAMPLES}") from error
    if backend not in ("sqlite", "postgresql"):
        raise UsageError(f"Records are kept in SQLite or PostgreSQL, not {backend}. {_EXAMPLES}")
    return address


def _make_folder(address: URL) -> None:
    if address.database in (None, "", ":memory:"):
        return
    folder = Path(address.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failure(folder, error) from error


def _set_up_sqlite(connection: Any, _record: object) -> None:
    """Readers do not wait for a writer (WAL), writers wait for each other, rows of unknown runs are refused."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Switch to WAL; of processes that switch a new file together, SQLite has one succeed and lets no other wait."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(0.01)


def _set_up_postgresql(connection: Any, _record: object) -> None:
    """A worker that hangs or is cut off amid a transaction loses it: others wait for its locks no longer than that."""
    cursor = connection.cursor()
    cursor.execute(f"SET idle_in_transaction_session_timeout = {LOCK_SECONDS * 1000}")
    cursor.close()
    connection.commit()
