"""What the tests of this folder share: what servers keep, how one is reached, and what our own client sees."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from external.installs import FOLDER
from external.investigation import BEFORE_THE_LABEL
from external.programs import Reach
from external.visits import plan, visit
from served import SERVE, over_http

# Where servers keep what they computed, such as the index: it stays, so that only the first run waits for it.
os.environ["TSEA_HOME"] = str(FOLDER / "home")


@pytest.fixture(autouse=True)
def _own_home() -> None:
    """In place of the fixture of this name that gives each test a home of its own."""


def _command(records: Path) -> list[str]:
    # Many clients start a server with a few variables of their own choice: those of the tests stand in the command.
    kept = [f"{name}={os.environ[name]}" for name in ("TSEA_HOME", "HF_HOME", "NLTK_DATA", "OMP_NUM_THREADS")]
    return ["env", *kept, *SERVE, "--db", f"sqlite:///{records / 'records.db'}"]


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What this project's own client sees of an investigation on fresh records, before any label is submitted."""
    # Once before, since the first visit of all makes the index: a feature says then that there is none yet.
    visit(plan(_command(tmp_path_factory.mktemp("first")), BEFORE_THE_LABEL))
    seen = visit(plan(_command(tmp_path_factory.mktemp("own")), BEFORE_THE_LABEL))
    assert [call["texts"] for call in seen["calls"] if call["error"]] == []
    return seen


@pytest.fixture(scope="session")
def address(seen: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server over HTTP that tests share; it starts when everything that takes long was computed once."""
    assert seen["calls"]
    with over_http(*_command(tmp_path_factory.mktemp("shared"))) as url:
        yield url


@pytest.fixture
def reach(address: str, tmp_path: Path) -> Reach:
    """Gives what a client connects to: over `http` the shared server, over `stdio` the command of one of its own."""
    return lambda transport: [address] if transport == "http" else _command(tmp_path)


@pytest.fixture
def reach_own(seen: dict[str, Any], tmp_path: Path) -> Iterator[Reach]:
    """As `reach`, but with records of its own over `http` too: what others tested changes what a client sees."""
    assert seen["calls"]
    with ExitStack() as servers:

        def target(transport: str) -> list[str]:
            command = _command(tmp_path)
            return [servers.enter_context(over_http(*command))] if transport == "http" else command

        yield target
