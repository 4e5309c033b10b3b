"""The bundled subject with few sets, an index and null distributions, as the MCP server serves it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import uvicorn

from tsea.server.app import build
from tsea.server.http import PATH, application, listen
from tsea.tools.investigation import Investigation
from tsea.tools.statistics.directions import NULLS

if TYPE_CHECKING:
    from tsea.tools.inputs.enrichment import ReadingEnrichment
    from tsea.tools.workbench import Workbench


@pytest.fixture(scope="session")
def ready_bench(pocket_bench: Workbench, pocket_reading: ReadingEnrichment, indexed_home: Path) -> Workbench:
    """The bundled subject with all that first calls would have to make: on slow machines they would go on as jobs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(indexed_home))
        for null in NULLS:
            list(pocket_bench.test_set(np.array([0]), pocket_bench.sets[0].name, null))
            next(pocket_bench.enrich(np.array([0])))
    assert pocket_reading is pocket_bench.reading
    return pocket_bench


@pytest.fixture
def investigation(
    ready_bench: Workbench, indexed_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Investigation]:
    """An investigation of it with a database of its own."""
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
    made = Investigation(["pocket"], run="test", database=f"sqlite:///{tmp_path}/test.db", opener=lambda _: ready_bench)
    made.workbench()
    yield made
    made.close()


@pytest.fixture
def served(investigation: Investigation) -> Iterator[str]:
    """The address of a server over HTTP in a thread of this process."""
    listening = listen("127.0.0.1", 0)
    app = application(build(investigation, ready=False), "127.0.0.1")
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}"
    server.should_exit = True
    thread.join(30)
    listening.close()
