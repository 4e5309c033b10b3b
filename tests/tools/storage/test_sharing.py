"""Records that several workers share, in an SQLite file."""

from __future__ import annotations

from pathlib import Path

import pytest
from sharing import *  # noqa: F403


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/tsea.db"
