"""Runs by a language model that the tests play, on the bundled subject with few sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_llm import MODEL, FakeLLM

from tsea.labeler.agent.conversation import Style
from tsea.labeler.agent.run import ModelRun, label_by_model
from tsea.labeler.llm.endpoint import Endpoint
from tsea.labeler.llm.retries import Retries
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run
from tsea.tools.workbench import Workbench

Labelled = Callable[..., Run]


@pytest.fixture(autouse=True)
def _no_key_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with Records(f"sqlite:///{tmp_path}/runs.db") as opened:
        yield opened


@pytest.fixture
def labelled(pocket_bench: Workbench, records: Records) -> Labelled:
    """Labels features in a run called `name`; settings are those of ModelRun."""

    def run(
        llm: FakeLLM,
        features: Sequence[int],
        name: str = "run",
        retry_failed: bool = False,
        labeler: str = "agent",
        records: Records = records,
        **settings: Any,
    ) -> Run:
        asked = ModelRun(
            labeler,  # type: ignore[arg-type]
            Style(MODEL),
            Endpoint(llm.url, connect_seconds=5.0, call_seconds=20.0),
            retries=Retries(attempts=8, first=0.005),
        )
        asked = dataclasses.replace(asked, **settings)
        return label_by_model(
            pocket_bench, records, np.array(features), asked, run_name=name, retry_failed=retry_failed
        )

    return run


@pytest.fixture
def indexed(pocket_reading: ReadingEnrichment, indexed_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The subject's index is there, so that models are shown contexts."""
    assert pocket_reading
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
