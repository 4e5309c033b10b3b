"""Ways of installing, tried with the programs they are for: the bundle's own validator, and Claude Code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from external import installs
from external.programs import output
from served import SERVE

from tsea.server.distribution import bundle

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which Claude Code may start the servers that a project lists."""
    settings = tmp_path / "home" / ".claude" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"enableAllProjectMcpServers": True}))
    return tmp_path / "home"


def _claude(home: Path, folder: Path, *arguments: str) -> str:
    quiet = {"DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    _, program = installs.node_program("claude")  # no script of Node's
    return output(
        ["env", "-C", str(folder), program, "mcp", *arguments], 300, HOME=str(home), MCP_TIMEOUT="120000", **quiet
    )


def test_the_validator_of_bundles_takes_the_manifest(tmp_path: Path) -> None:
    wheels = ["-m", "build", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run([sys.executable, *wheels, str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    bundle.pack(wheel, ROOT / "constraints.txt", tmp_path / "tsea.mcpb")
    with ZipFile(tmp_path / "tsea.mcpb") as archive:
        manifest = archive.extract("manifest.json", tmp_path)
    assert "validation passes" in output([*installs.node_program("mcpb"), "validate", manifest])


def test_claude_code_connects_to_the_server_of_a_clone(tmp_path: Path, home: Path) -> None:
    clone = tmp_path / "clone"
    command = clone / json.loads((ROOT / ".mcp.json").read_text())["mcpServers"]["tsea"]["command"]
    command.parent.mkdir(parents=True)
    (clone / ".mcp.json").write_bytes((ROOT / ".mcp.json").read_bytes())
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m tsea.server "$@"\n')
    command.chmod(0o755)
    assert "Connected" in _claude(home, clone, "list")


def test_claude_code_connects_to_a_server_that_was_added_with_one_line(tmp_path: Path, home: Path) -> None:
    _claude(home, tmp_path, "add", "tsea", "--", *SERVE)
    assert "Connected" in _claude(home, tmp_path, "get", "tsea")
