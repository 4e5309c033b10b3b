"""The tables of a database and their version: made where it is new, brought up to date where it is older."""

from __future__ import annotations

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, func, inspect, select

from ..errors import TseaError
from .tables import Base

VERSION = "v3"  # of the tables that this code reads and writes: the newest script of `migrations.versions`
VERSION_TABLE = "tsea_version"
_LOCK = 0x74736561  # of PostgreSQL's advisory locks: "tsea"
# As Alembic makes it.
_version = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)


def prepare(connection: Connection, place: str) -> None:
    """Give the database at `place` the tables of this version, in the connection's transaction; rows are kept.

    Raises TseaError for a database of a newer version and for tables that are none of tsea's.
    """
    if _stored_version(connection) == VERSION:
        return
    lock_writers(connection)
    if not set(Base.metadata.tables) & set(inspect(connection).get_table_names()):
        Base.metadata.create_all(connection)
        _version.create(connection)
        connection.execute(_version.insert().values(version_num=VERSION))
    elif (version := _stored_version(connection)) != VERSION:  # else another process was first
        _migrate(connection, place, version)


def lock_writers(connection: Connection) -> None:
    """Begin to write before anything is read: one such transaction of a database runs at a time."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _stored_version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(select(_version.c.version_num))


def _migrate(connection: Connection, place: str, version: str | None) -> None:
    from .migrations import known, upgrade  # slow to import, and seldom needed

    if version is not None and version not in known():
        raise TseaError(
            f"A newer tsea made the database {place} (its tables are {version}, this one knows {VERSION}): "
            "update tsea, or give another database with --db."
        )
    upgrade(connection, VERSION_TABLE)
    inspector = inspect(connection)
    for name, table in Base.metadata.tables.items():
        lacking = set(table.columns.keys()) - {column["name"] for column in inspector.get_columns(name)}
        if lacking:
            raise TseaError(
                f"The table {name} of the database {place} is none of tsea's (it lacks {', '.join(sorted(lacking))}): "
                "give another database with --db."
            )
