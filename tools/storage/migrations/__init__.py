"""Bringing a database of an earlier version to the tables of this one, by the scripts in `versions`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def scripts() -> ScriptDirectory:
    """The scripts of every version."""
    return ScriptDirectory(str(Path(__file__).parent))


def known() -> set[str]:
    """Every version that there is a script for."""
    return {script.revision for script in scripts().walk_revisions()}


def upgrade(connection: Connection, version_table: str) -> None:
    """Run the scripts that the database lacks, all within the connection's transaction."""

    def steps(heads: tuple[str, ...], _: MigrationContext) -> Iterator[MigrationStep]:
        there = scripts()
        missing = list(there.iterate_revisions("head", heads or "base"))
        for script in reversed(missing):
            yield MigrationStep.upgrade_from_script(there.revision_map, script)

    context = MigrationContext.configure(connection, opts={"fn": steps, "version_table": version_table})
    with Operations.context(context):
        context.run_migrations()
