"""Other people's agents play an investigation with an LLM on this machine; what counts is what that LLM was given."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from external import fake_llm, installs
from external.investigation import BEFORE_THE_LABEL, CALLS, FEATURE, LABEL, WITH_IMAGE
from external.programs import HERE, Reach, output

AGENTS = ("openai_agents", "pydantic_ai", "langchain", "inspect_ai")
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def _labels(records: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(records)) as database:
        return database.execute("SELECT feature, text FROM labels").fetchall()


def _numbers(text: str) -> set[float]:
    return {float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", text)}


@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.parametrize("agent", AGENTS)
def test_the_llm_behind_an_agent_is_given_every_result_of_an_investigation(
    agent: str, transport: str, reach_own: Reach, seen: dict[str, Any], tmp_path: Path
) -> None:
    interpreter = installs.python(agent)
    with fake_llm.serve(CALLS) as llm:
        program = [interpreter, str(HERE / "clients" / f"agent_{agent}.py")]
        said = output([*program, llm.url, fake_llm.MODEL, fake_llm.INSTRUCTION, *reach_own(transport)])
    assert not llm.refused
    assert len(llm.given) == len(CALLS)
    assert set(seen["tools"]) <= set(llm.offered)
    for call, given, direct in zip(BEFORE_THE_LABEL, llm.given, seen["calls"], strict=False):
        if call.tool == WITH_IMAGE:
            # Agents put the image and its text in different places; none may lose either, or send pixels as letters.
            assert _numbers(direct["texts"][0]) <= _numbers(given.text)
            assert [image[:8] for image in given.images] == [SIGNATURE]
            assert direct["images"][0][:40] not in given.text
        else:
            assert json.loads(given.text) == json.loads(direct["texts"][0]), call.tool
            assert given.images == []

    submitted = json.loads(llm.given[-1].text)
    assert submitted["status"] == "labelled"
    assert submitted["uri"] == f"tsea://label/{submitted['label']}"
    assert submitted["uri"] in said
    assert _labels(tmp_path / "records.db") == [(FEATURE, LABEL)]
