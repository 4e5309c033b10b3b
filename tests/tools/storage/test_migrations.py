"""The tables of new, older and newer SQLite files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from migrating import *  # noqa: F403

from tsea.tools.storage.migrations import scripts
from tsea.tools.storage.schema import VERSION


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/tsea.db"


def test_the_version_of_the_code_is_that_of_the_newest_script() -> None:
    assert scripts().get_heads() == [VERSION]


def test_a_database_that_is_new_or_up_to_date_is_opened_without_alembic(url: str) -> None:
    script = (
        "import sys; from tsea.tools.storage.records import Records; [Records(sys.argv[1]).close() for _ in range(2)]; "
        "print('alembic' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (0, "False\n"), run.stderr
