"""Runs the programs under test, and the other people's programs against them."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = f"{HERE.parents[1]}/"
SERVE_WITH_FIXTURES = (sys.executable, str(HERE / "fixtures_server.py"), "serve")
Reach = Callable[[str], list[str]]  # http or stdio: what a client connects to
TIME_LIMIT_S = 900


def run(command: list[str], timeout_s: float = TIME_LIMIT_S, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a foreign program to its end, with a home folder of its own, and say so."""
    print(f"$ {shlex.join(command).replace(ROOT, '')[:300]}", flush=True)
    with tempfile.TemporaryDirectory() as home:
        inherited = {**os.environ, "HOME": home, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
        return subprocess.run(
            command, env={**inherited, **environment}, capture_output=True, text=True, timeout=timeout_s
        )


def output(command: list[str], timeout_s: float = TIME_LIMIT_S, **environment: str) -> str:
    """What a foreign program prints; fails with all it said when it fails."""
    ended = run(command, timeout_s, **environment)
    assert ended.returncode == 0, f"exit {ended.returncode}\n{ended.stdout[-8000:]}\n{ended.stderr[-8000:]}"
    return ended.stdout
