"""Commands on the bundled subject with a small index, and records of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.storage.records import Records
from tsea.tools.workbench import Workbench


@pytest.fixture
def opens_pocket(
    pocket_bench: Workbench, pocket_reading: ReadingEnrichment, indexed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Workbench:
    """The workbench that every command opens."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
    monkeypatch.setattr(Workbench, "open", lambda *_args, **_settings: pocket_bench)
    return pocket_bench


@pytest.fixture
def database(tmp_path: Path) -> str:
    """What `--db` names."""
    return f"sqlite:///{tmp_path}/records.db"


@pytest.fixture
def records(database: str) -> Iterator[Records]:
    """That database, open."""
    with Records(database) as opened:
        yield opened
