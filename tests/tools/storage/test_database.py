from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import pytest

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.storage import database
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label


def test_sqlite_readers_do_not_wait_for_writers(tmp_path: Path) -> None:
    with Records(f"sqlite:///{tmp_path}/tsea.db"):
        raw = sqlite3.connect(tmp_path / "tsea.db")
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        raw.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("tsea.db", "Not the address of a database: tsea.db. Give one like sqlite:////"),
        ("nosuch://host/name", "Not the address of a database"),
        ("mysql://host/name", "SQLite or PostgreSQL, not mysql"),
    ],
)
def test_an_address_that_is_none_is_a_usage_error(url: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Records(url)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(TseaError, match="postgresql") as caught:
        Records("postgresql://someone:secret@127.0.0.1:9/tsea")
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_driver_is_named_by_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"pip install 'tsea\[postgres\]'"):
        Records("postgresql+psycopg://someone@127.0.0.1:9/tsea")


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tsea.db"
    path.write_bytes(b"somebody's notes" * 500)
    with pytest.raises(TseaError, match=r"not a database.* move it away"):
        Records(f"sqlite:///{path}")
    assert path.read_bytes() == b"somebody's notes" * 500
    assert os.listdir(tmp_path) == ["tsea.db"]


def test_a_locked_database_says_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0)
    with Records(f"sqlite:///{tmp_path}/tsea.db") as records:
        other = sqlite3.connect(tmp_path / "tsea.db")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TseaError, match=r"locked\. Another program is writing"):
            records.open_run("name", "pocket", "hash", {})
        other.close()
        assert records.open_run("name", "pocket", "hash", {}).id == 1


def test_a_full_disk_keeps_what_was_written(tmp_path: Path) -> None:
    def block(first: int) -> list[Label]:
        return [Label(feature=first + i, status="labelled", text="x" * 4000, kind="k", claim="none") for i in range(50)]

    with Records(f"sqlite:///{tmp_path}/tsea.db") as records:
        run = records.open_run("name", "pocket", "hash", {})
        with records._engine.connect() as connection:  # pooled: the next transaction uses this very connection
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 80}")
        records.write_block(run, block(0))
        with pytest.raises(TseaError, match=r"full\. Free some space"):
            records.write_block(run, block(50))
        assert records.labelled_features(run) == set(range(50))


def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TseaError, match="Cannot write .*file"):
        Records(f"sqlite:///{tmp_path}/file/tsea.db")
