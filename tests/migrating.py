"""What holds of the tables of new, older and newer databases, on every kind of database.

The modules that import these tests say which by their fixture `url`: that of a new database.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sharing import at_once
from sqlalchemy import Engine, create_engine, inspect

from tsea.tools.errors import TseaError
from tsea.tools.storage.migrations import upgrade
from tsea.tools.storage.records import Records
from tsea.tools.storage.schema import VERSION, VERSION_TABLE
from tsea.tools.storage.tables import Base

# The tables as they were before databases knew their version, and a few rows in them.
BASELINE = Path(__file__).parent / "tools" / "storage" / "baseline"
OPEN = """
import sys
from tsea.tools.storage.records import Records
print("ready", flush=True)
sys.stdin.readline()
with Records(sys.argv[1]) as records:
    print(len(records.runs()))
"""


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The database, without tables."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def old(engine: Engine) -> Engine:
    """The database as an earlier version left it."""
    for name in (f"{engine.dialect.name}.sql", "rows.sql"):
        execute(engine, *(BASELINE / name).read_text().split(";\n")[:-1])
    return engine


@pytest.fixture
def new(url: str, engine: Engine) -> dict[str, Any]:
    """The schema of a new database, dropped again (so it comes before `old` where a test has both)."""
    Records(url).close()
    made = schema(engine)
    tables = [VERSION_TABLE, *(table.name for table in reversed(Base.metadata.sorted_tables))]
    execute(engine, *(f"DROP TABLE {table}" for table in tables))
    return made


def execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def schema(engine: Engine) -> dict[str, Any]:
    """Each table as the database describes it, without the order of its columns."""
    inspector = inspect(engine)
    tables: dict[str, Any] = {}
    for table in inspector.get_table_names():
        columns = {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(table)}
        parts = {
            "unique": [c["column_names"] for c in inspector.get_unique_constraints(table)],
            "checks": [c["sqltext"] for c in inspector.get_check_constraints(table)],
            "foreign": [(c["constrained_columns"], c["referred_table"]) for c in inspector.get_foreign_keys(table)],
            "indexes": [(i["name"], i["column_names"], i["unique"]) for i in inspector.get_indexes(table)],
        }
        key = inspector.get_pk_constraint(table)["constrained_columns"]
        tables[table] = {"columns": columns, "key": key} | {name: sorted(rows) for name, rows in parts.items()}
    return tables


def refused(url: str, engine: Engine) -> str:
    """What opening says, which leaves the tables as they were."""
    before = schema(engine)
    with pytest.raises(TseaError) as caught:
        Records(url)
    assert schema(engine) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_old_database_gets_the_tables_of_the_models(url: str, new: dict[str, Any], old: Engine) -> None:
    Records(url).close()
    assert schema(old) == new
    with old.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == VERSION


def test_the_scripts_alone_make_the_tables_of_the_models(engine: Engine, new: dict[str, Any]) -> None:
    with engine.begin() as connection:
        upgrade(connection, VERSION_TABLE)
    assert schema(engine) == new


@pytest.mark.usefixtures("old")
def test_migration_keeps_every_row(url: str) -> None:
    with Records(url) as records:
        (run,) = records.runs()
        assert (run.name, run.config, run.summary) == ("first", {"power": 0}, {"claims": 1})
        labels = records.labels(run)
        assert [(label.feature, label.text, label.q, label.reason) for label in labels] == [
            (7, "promotes digits", 0.01, None),
            (8, "", None, None),
        ]
        assert labels[0].created.isoformat() == "2026-01-02T03:04:06+00:00"
        assert records.labelled_features(run) == {7}
        assert [row.n_tests for row in records.ledger(run)] == [500]
        assert [(row.set_name, row.holds) for row in records.hypotheses(run)] == [("digits", True)]
        assert records.definitions(run)["mine"].spec == {"words": ["one"]}


def test_the_first_version_had_no_named_sets(url: str, old: Engine) -> None:
    execute(old, "DROP TABLE defined_sets")
    with Records(url) as records:
        records.define(records.run("first"), "mine", {"words": ["one"]}, "")
    assert set(schema(old)) == {*Base.metadata.tables, VERSION_TABLE}


@pytest.mark.usefixtures("old")
def test_processes_that_open_an_old_database_together_migrate_it_once(url: str) -> None:
    assert at_once(OPEN, url, processes=3) == ["1\n"] * 3


def test_processes_that_open_a_new_database_together_do_not_collide(url: str) -> None:
    assert at_once(OPEN, url, processes=3) == ["0\n"] * 3


def test_a_database_of_a_newer_version_is_refused(url: str, engine: Engine) -> None:
    Records(url).close()
    execute(engine, f"UPDATE {VERSION_TABLE} SET version_num = 'v999'")
    message = refused(url, engine)
    assert f"its tables are v999, this one knows {VERSION}" in message
    assert "update tsea, or give another database with --db" in message


def test_a_migration_that_fails_leaves_all_as_it_was(url: str, old: Engine) -> None:
    execute(old, "CREATE TABLE spending (amount INTEGER)")
    assert "spending" in refused(url, old)


def test_tables_of_another_program_are_left_alone(url: str, engine: Engine) -> None:
    execute(engine, "CREATE TABLE runs (id INTEGER PRIMARY KEY)", "CREATE TABLE alembic_version (version_num TEXT)")
    message = refused(url, engine)
    assert "The table runs" in message
    assert "lacks config" in message
