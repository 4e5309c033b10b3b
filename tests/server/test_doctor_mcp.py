"""`tsea doctor --mcp` tells a server that clients can use from one that they cannot, and says what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tsea.server import doctor_mcp
from tsea.server.doctor import Check

# A server of one tool, written by hand so that it starts at once, and misbehaves as its command line says.
STAND_IN = """
import json, sys, time
fault = sys.argv[1]
if fault == "dies":
    sys.exit("Error: no such subject.")
if fault == "hangs":
    time.sleep(600)
if fault == "prints":
    print("Loading weights", flush=True)
whole = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
tool = {"name": "describe_subject", "inputSchema": {"type": "object"}}
results = {
    "server/discover": {**whole, "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}},
    "initialize": {
        "protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "x", "version": "1"}
    },
    "tools/list": {**whole, "tools": [tool]},
    "tools/call": {
        "resultType": "complete", "isError": fault == "refuses", "content": [{"type": "text", "text": "no index"}]
    },
}
if fault == "defers":
    results["tools/call"]["structuredContent"] = {"job_id": "1", "state": "queued"}
if fault == "is old":
    del results["server/discover"]
for request in map(json.loads, sys.stdin):
    if "id" not in request:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if request["method"] in results:
        answer["result"] = results[request["method"]]
    else:
        answer["error"] = {"code": -32601, "message": "unknown"}
    print(json.dumps(answer), flush=True)
if fault == "stays":
    time.sleep(600)
"""


@pytest.fixture
def examine(tmp_path: Path):
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)

    def checks(fault: str) -> dict[str, Check]:
        found = doctor_mcp.examine_mcp("pocket", [sys.executable, str(script), fault])
        return {check.name.removeprefix("mcp: "): check for check in found}

    return checks


def test_a_sound_server_passes_with_both_generations_of_clients(examine) -> None:
    checks = examine("none")
    assert {n: checks[n].state for n in ("handshake", "discovery", "stdout", "exit")} == dict.fromkeys(
        ("handshake", "discovery", "stdout", "exit"), "ok"
    )
    assert checks["handshake"].found.startswith("2025-11-25, ") and checks["discovery"].found.startswith("2026-07-28, ")
    assert "1 tools" in checks["discovery"].found


def test_a_server_that_dies_is_told_by_its_last_words(examine) -> None:
    checks = examine("dies")
    for name in ("handshake", "discovery", "stdout", "exit"):
        assert checks[name].state == "failed"
        assert "Error: no such subject." in checks[name].advice and "serve --subject pocket" in checks[name].advice
    assert checks["exit"].found == "code 1"


def test_a_server_without_the_new_generation_is_told_apart(examine) -> None:
    checks = examine("is old")
    assert checks["handshake"].state == "ok"
    assert checks["discovery"].state == "failed" and checks["discovery"].found == "only the handshake of 2025-11-25"


def test_a_line_on_stdout_that_is_not_of_the_protocol_is_shown(examine) -> None:
    checks = examine("prints")
    assert checks["stdout"].state == "failed" and "'Loading weights'" in checks["stdout"].found
    assert checks["handshake"].state == checks["exit"].state == "ok"


def test_a_call_that_fails_is_reported_in_the_words_of_the_tool(examine) -> None:
    check = examine("refuses")["handshake"]
    assert check.state == "failed" and "no index" in check.advice


def test_a_call_that_goes_on_as_a_job_is_told_from_one_that_was_answered(examine) -> None:
    check = examine("defers")["handshake"]
    assert check.state == "lacking" and check.found.endswith(", as a job") and "later starts" in check.advice


def test_servers_that_do_not_answer_or_do_not_leave_are_ended(examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_mcp, "HANDSHAKE_LIMIT", 1.0)
    hanging = examine("hangs")
    assert {hanging[n].state for n in ("handshake", "discovery", "stdout", "exit")} == {"failed"}
    assert hanging["handshake"].found == "TimeoutError: no answer in 1 s"
    monkeypatch.undo()
    monkeypatch.setattr(doctor_mcp, "EXIT_LIMIT", 1.0)
    staying = examine("stays")["exit"]
    assert staying.state == "failed" and staying.found == "still there 1 s after its client left"


def test_a_slow_start_comes_with_what_to_raise(examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_mcp, "PATIENCE", 0.0)
    check = examine("none")["handshake"]
    assert check.state == "lacking" and "startup_timeout_sec" in check.advice


def test_a_command_that_is_not_there_fails_without_a_traceback() -> None:
    checks = list(doctor_mcp.examine_mcp("pocket", ["/nowhere/tsea"]))
    assert [c.state for c in checks[2:]] == ["failed"] * 3
    assert all("No such file" in c.found and c.advice for c in checks[2:])


def test_the_configuration_starts_this_installation_with_the_variables_set_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in doctor_mcp.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TSEA_HOME", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", "secret")
    check = next(c for c in doctor_mcp.examine_mcp("pocket", ["/nowhere/tsea"]) if c.name == "mcp: configuration")
    assert json.loads(check.found) == {
        "mcpServers": {
            "tsea": {
                "command": "/nowhere/tsea",
                "args": ["serve"],
                "env": {"TSEA_HOME": str(tmp_path), "HF_TOKEN": "..."},
            }
        }
    }


def test_a_command_off_the_path_is_named_with_its_absolute_path(monkeypatch: pytest.MonkeyPatch) -> None:
    command = doctor_mcp.installed_command()
    assert Path(command[0]).is_absolute()
    monkeypatch.setenv("PATH", str(Path(command[0]).parent))
    assert next(iter(doctor_mcp.examine_mcp("pocket", command))).state == "ok"
    monkeypatch.setenv("PATH", os.defpath)
    check = next(iter(doctor_mcp.examine_mcp("pocket", command)))
    assert check.state == "lacking" and command[0] in check.advice


@pytest.mark.large
def test_the_installed_server_passes() -> None:
    command = [sys.executable, "-m", "tsea.server", "doctor", "--mcp", "--json"]
    run = subprocess.run(command, capture_output=True, text=True)
    checks = {c["name"]: c for c in map(json.loads, run.stdout.splitlines())}
    assert run.returncode == 0, run.stdout + run.stderr
    assert {checks[name]["state"] for name in ("mcp: stdout", "mcp: exit")} == {"ok"}
    # A machine busy with other tests starts it slowly, which is said and no failure.
    for name in ("mcp: handshake", "mcp: discovery"):
        assert checks[name]["state"] != "failed" and "describe_subject in" in checks[name]["found"]
