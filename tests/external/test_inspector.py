"""The protocol's own inspector (@modelcontextprotocol/inspector) as a command line: both transports, both eras."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from external import installs
from external.investigation import EVERY_TOOL, JOB, SUBMITTED, Call
from external.programs import Reach, output, run

ERAS = {"legacy": "2025-11-25", "modern": "2026-07-28"}
REQUESTS = 100

both_transports = pytest.mark.parametrize("transport", ["http", "stdio"])
both_eras = pytest.mark.parametrize("era", ERAS)


def _inspect(target: list[str], era: str, method: str, *options: str) -> list[str]:
    # The server's command with its own options comes first.
    program = installs.node_program("mcp-inspector")
    return [*program, "--cli", *target, "--protocol-era", era, "--method", method, *options]


def _arguments(call: Call) -> list[str]:
    return ["--tool-name", call.tool, "--tool-args-json", json.dumps(call.arguments)]


@both_transports
@both_eras
def test_the_inspector_negotiates_the_version_of_the_era(era: str, transport: str, reach: Reach) -> None:
    opened = json.loads(output(_inspect(reach(transport), era, "initialize")))
    assert opened["protocolVersion"] == ERAS[era]
    assert opened["serverInfo"]["name"] == "tsea"
    assert "refute" in opened["instructions"]


@both_transports
@both_eras
def test_the_inspector_finds_no_fault_in_the_schemas(era: str, transport: str, reach: Reach) -> None:
    listed = run(_inspect(reach(transport), era, "tools/list", "--strict"))
    print(listed.stderr)
    assert listed.returncode == 0
    assert {tool["name"] for tool in json.loads(listed.stdout)["tools"]} == {call.tool for call in EVERY_TOOL}


@both_transports
@both_eras
def test_the_inspector_meets_no_error_under_load(era: str, transport: str, reach: Reach) -> None:
    call = Call("list_token_sets", {"query": "colour"})
    load = _inspect(reach(transport), era, "tools/call", *_arguments(call), "--load", "--load-requests", str(REQUESTS))
    measured = json.loads(output(load))
    print(measured["latencyMs"])
    assert (measured["ok"], measured["toolErrors"], measured["errors"]) == (REQUESTS, 0, 0)


@both_eras
def test_the_inspector_calls_every_tool_over_http(era: str, reach_own: Reach) -> None:
    target = reach_own("http")
    _call_every_tool(lambda call: output(_inspect(target, era, "tools/call", *_arguments(call))))


@both_eras
def test_the_inspector_calls_every_tool_over_stdio(era: str, reach: Reach) -> None:
    with _held_connection(reach("stdio"), era) as command:
        _call_every_tool(lambda call: command("tools/call", *_arguments(call)))


def _call_every_tool(call_with: Callable[[Call], str]) -> None:
    latest: dict[str, Any] = {}
    for call in EVERY_TOOL:
        filled = {name: latest.get(str(value), value) for name, value in call.arguments.items()}
        result = json.loads(call_with(Call(call.tool, filled)))
        answer = json.loads(result["content"][0]["text"])
        assert answer, call.tool
        if call.tool == "start_job":
            latest[JOB] = answer["job_id"]
        elif call.tool == "submit_label":
            latest[SUBMITTED] = answer["label"]


@contextmanager
def _held_connection(target: list[str], era: str) -> Iterator[Callable[..., str]]:
    """The inspector's commands on one connection that it keeps: over stdio each would start a server otherwise."""
    with tempfile.TemporaryDirectory() as home:  # short: its socket stands there

        def command(*options: str) -> str:
            program = [*installs.node_program("mcpdo"), "--format", "json", "--connection", "tsea", *options]
            return output(program, HOME=home, MCP_INSPECTOR_SECRET_STORE="memory")

        opened: dict[str, Any] = json.loads(
            command("connect", "--era", era, "--connect-timeout", "60000", "--", *target)
        )
        try:
            assert opened["protocolEra"] == era
            yield command
        finally:
            command("daemon", "stop")
