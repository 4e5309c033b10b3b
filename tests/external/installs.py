"""Installs other people's programs below build/external, each in a folder of its own, once per list of pins."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / "build" / "external"
TIME_LIMIT_S = 1800


class NotInstalled(Exception):
    """A program could not be installed; the message ends with what the installer said."""


def node_program(name: str) -> list[str]:
    """The command that runs a program of node/package.json, such as `mcp-inspector`, on the Node pinned beside it."""
    node, packages = _node()
    return [str(node), str(packages / "node_modules" / ".bin" / name)]


def node_script(path: Path) -> list[str]:
    """The command that runs a script which imports packages of node/package.json: a copy of it stands beside them."""
    node, packages = _node()
    copy = packages / path.name
    copy.write_bytes(path.read_bytes())
    return [str(node), str(copy)]


def node_environment() -> dict[str, str]:
    """The environment in which programs that start `node` themselves find the pinned one."""
    node, _ = _node()
    return {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}


def python(name: str) -> str:
    """The interpreter of the environment that python/NAME.txt lists."""
    requirements = HERE / "python" / f"{name}.txt"
    target = FOLDER / f"python-{name}"
    interpreter = target / "bin" / "python"
    commands = [
        [sys.executable, "-m", "venv", "--clear", str(target)],
        [str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements)],
    ]
    _install(target, requirements.read_bytes(), commands)
    return str(interpreter)


def _node() -> tuple[Path, Path]:
    """The pinned Node, and the folder of the packages that it installed."""
    version = (HERE / "node" / "version.txt").read_text().strip()
    root, packages = FOLDER / "node", FOLDER / "node-packages"
    node = root / "node_modules" / ".bin" / "node"
    npm = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"]
    _install(root, version.encode(), [[*npm, "--prefix", str(root), f"node@{version}"]])

    listed = (HERE / "node" / "package.json").read_bytes()
    packages.mkdir(parents=True, exist_ok=True)
    (packages / "package.json").write_bytes(listed)
    # npm itself must run on the pinned Node too: on an older one it silently installs an older inspector.
    path = f"{node.parent}{os.pathsep}{os.environ['PATH']}"
    _install(packages, version.encode() + listed, [[*npm, "--prefix", str(packages)]], {**os.environ, "PATH": path})
    return node, packages


def _install(target: Path, listed: bytes, commands: list[list[str]], environment: dict[str, str] | None = None) -> None:
    """Run `commands` unless they have run for what is `listed` here; one process at a time."""
    target.mkdir(parents=True, exist_ok=True)
    stamp, wanted = target.with_name(f"{target.name}.installed"), hashlib.sha256(listed).hexdigest()
    with FileLock(target.with_name(f"{target.name}.lock")):
        if stamp.exists() and stamp.read_text() == wanted:
            return
        stamp.unlink(missing_ok=True)
        for command in commands:
            print(f"$ {' '.join(command)}", flush=True)
            try:
                run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT_S)
            except FileNotFoundError as error:
                raise NotInstalled(f"{command[0]} is not on this machine: install it, then run this again.") from error
            if run.returncode != 0:
                raise NotInstalled(f"{' '.join(command)}\n{run.stdout[-3000:]}{run.stderr[-3000:]}")
        stamp.write_text(wanted)
