"""Subjects, runs and named sets of an investigation."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.investigation import Investigation

if TYPE_CHECKING:
    from tsea.tools.workbench import Workbench


def test_only_served_subjects_are_opened_each_once_by_whoever_asks_first(pocket_bench: Workbench) -> None:
    opened: list[str] = []

    def opener(name: str) -> Workbench:
        opened.append(name)
        return pocket_bench

    investigation = Investigation(["pocket", "other", "pocket"], opener=opener)
    assert investigation.state() == "not loaded"
    threads = [threading.Thread(target=investigation.workbench) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == ["pocket"] and investigation.state("pocket") == "ready"
    investigation.workbench("other")
    assert opened == ["pocket", "other"]
    with pytest.raises(UsageError, match="tsea serve --subject"):
        investigation.workbench("local:/etc")
    with pytest.raises(UsageError, match="No subject was given"):
        Investigation([])


def test_a_subject_that_fails_to_load_is_tried_again(pocket_bench: Workbench) -> None:
    tries: list[int] = []

    def opener(_: str) -> Workbench:
        tries.append(1)
        if len(tries) == 1:
            raise TseaError("The hub cannot be reached.")
        return pocket_bench

    investigation = Investigation(opener=opener)
    with pytest.raises(TseaError, match="hub"):
        investigation.workbench()
    assert investigation.state() == "failed"
    assert investigation.workbench() is pocket_bench and investigation.state() == "ready"


def test_runs_follow_from_the_subject_or_the_name_given(pocket_bench: Workbench, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/t.db"

    def investigation(*subjects: str, run: str | None = None) -> Investigation:
        return Investigation(subjects, run=run, database=database, opener=lambda _: pocket_bench)

    own = investigation("pocket").run_name()
    assert own == investigation("pocket").run_name() and own.startswith("serve-pocket-")
    assert investigation("pocket", run="mine").run_name() == "mine"
    two = investigation("pocket", "a/b", run="mine")
    assert [two.run_name(), two.run_name("a/b")] == ["mine-pocket", "mine-a-b"]
    assert two.run().name == "mine-pocket" and [run.name for run in two.records.runs()] == ["mine-pocket"]
    two.close()


def test_a_set_is_named_once_and_read_wherever_the_name_stands(pocket_bench: Workbench, tmp_path: Path) -> None:
    made = Investigation(database=f"sqlite:///{tmp_path}/t.db", opener=lambda _: pocket_bench)
    made.records.define(made.run(), "my.colours", {"words": [" red"]}, "Colours")
    made.records.define(made.run(), "my.colours", {"words": [" red"]}, "The same again")
    assert made.spec('{"not": "my.colours"}') == {"not": {"words": [" red"]}}
    with pytest.raises(UsageError, match="stands for .* already"):
        made.records.define(made.run(), "my.colours", {"words": [" blue"]}, "")
    assert made.records.definitions(made.run())["my.colours"].description == "Colours"
    made.close()
