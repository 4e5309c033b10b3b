"""Runs on a real Ray cluster of this machine with two workers: `make test-ray`."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fake_llm
import numpy as np
import psutil
import pytest
from fake_llm import MODEL, Says
from players import feature_of

from tsea.labeler.agent.conversation import Style
from tsea.labeler.agent.ray_engine import label_on_ray
from tsea.labeler.agent.run import ModelRun, label_by_model, open_model_run
from tsea.labeler.llm.endpoint import Endpoint
from tsea.labeler.llm.errors import UnknownModelError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run
from tsea.tools.workbench import Workbench

FEATURES = np.arange(100, 124)
ENDINGS = ("ing", "ed", "s", "ly")


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One TSEA_HOME for this process and the workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        yield


@pytest.fixture(autouse=True)
def _own_home() -> None:
    """In place of the fixture of this name that gives each test a home of its own."""


@pytest.fixture(scope="module")
def workbench() -> Workbench:
    return Workbench.open("pocket")


def play(request: dict[str, Any]) -> Says:
    """Claims an ending that follows from the feature's number."""
    ending = ENDINGS[feature_of(request) % len(ENDINGS)]
    spec = json.dumps({"suffix": ending})
    return Says(json.dumps({"text": f"Promotes words in -{ending}.", "promotes": [spec], "confidence": 0.5}))


def asked(llm: fake_llm.FakeLLM) -> ModelRun:
    return ModelRun("one-shot", Style(MODEL), Endpoint(llm.url), concurrency=4)


def told(records: Records, run: Run) -> list[tuple[Any, ...]]:
    return [(x.feature, x.status, x.claim, x.text, x.q, x.hypotheses, x.confidence) for x in records.labels(run)]


@pytest.fixture(scope="module")
def local(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """What the local engine makes of it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('local')}/local.db"
    with fake_llm.serve(play) as llm, Records(url) as records:
        return told(records, label_by_model(workbench, records, FEATURES, asked(llm), run_name="run"))


def on_ray(workbench: Workbench, url: str, llm: fake_llm.FakeLLM) -> list[tuple[Any, ...]]:
    with Records(url) as records:
        run = open_model_run(workbench, records, FEATURES, asked(llm), "run")
        finished = label_on_ray({"subject": "pocket"}, url, run, FEATURES, asked(llm), workers=2)
        assert finished.finished is not None
        return told(records, finished)


def test_two_workers_give_the_same_labels_as_one_process(
    workbench: Workbench, local: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    with fake_llm.serve(play) as llm:
        assert on_ray(workbench, f"sqlite:///{tmp_path}/ray.db", llm) == local
        assert len(llm.seen) == len(FEATURES)


def test_a_worker_killed_in_the_middle_changes_nothing_in_the_result(
    workbench: Workbench, local: list[tuple[Any, ...]], tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_one(llm: fake_llm.FakeLLM) -> None:
        while len(llm.seen) < 6:
            time.sleep(0.01)
        for process in psutil.Process().children(recursive=True):
            if "ray::_Worker" in " ".join(process.cmdline()):
                os.kill(process.pid, signal.SIGKILL)
                killed.append(process.pid)
                return

    with fake_llm.serve(play, latency=0.2) as llm:
        killer = threading.Thread(target=kill_one, args=[llm])
        killer.start()
        assert on_ray(workbench, f"sqlite:///{tmp_path}/killed.db", llm) == local
        killer.join()
    assert len(killed) == 1


def test_what_stops_a_worker_stops_the_run(workbench: Workbench, tmp_path: Path) -> None:
    missing = fake_llm.Status(404, {"error": {"message": "The model does not exist", "code": "model_not_found"}})
    with fake_llm.serve(play, faults=lambda number: missing) as llm, pytest.raises(UnknownModelError):
        on_ray(workbench, f"sqlite:///{tmp_path}/none.db", llm)
