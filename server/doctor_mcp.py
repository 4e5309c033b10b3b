"""Whether an LLM client can start `tsea serve` here and talk to it, tried with the MCP SDK's client and by hand."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Literal

from .doctor import Check

if TYPE_CHECKING:
    from mcp import Client

# Codex gives up after 10 s; other clients wait longer.
PATIENCE = 10.0
# After these, in seconds, the server counts as hanging. A call may have to load a model.
HANDSHAKE_LIMIT = 60.0
CALL_LIMIT = 300.0
EXIT_LIMIT = 5.0
# Clients start a server with few variables of their own environment, if any.
VARIABLES = ("TSEA_HOME", "NLTK_DATA", "HF_HOME", "HF_ENDPOINT", "HF_TOKEN")

_BY_HAND = (
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "tsea doctor", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


def installed_command() -> list[str]:
    """The command that starts this installation of tsea from anywhere: absolute paths."""
    script = shutil.which("tsea", path=str(Path(sys.executable).parent))
    return [script] if script else [sys.executable, "-m", "tsea.server"]


def examine_mcp(subject: str, command: Sequence[str]) -> Iterator[Check]:
    """Say how clients start `COMMAND serve`, then start it three times: with the handshake of older clients, with the
    discovery of newer ones (tools and a call of describe_subject each), and by hand, for its stdout and its exit."""
    logging.getLogger("mcp").addHandler(logging.NullHandler())  # what it would say of a broken server, the checks say
    yield _command(command)
    yield _configuration(command)
    server = [*command, "serve", "--subject", subject]
    yield _conversation(server, "legacy")
    yield _conversation(server, "auto")
    yield from _by_hand(server)


def _command(command: Sequence[str]) -> Check:
    found = " ".join(command)
    on_path = shutil.which("tsea")
    if on_path and Path(on_path).resolve() == Path(command[0]).resolve():
        return Check(name="mcp: command", state="ok", found=found)
    elsewhere = f"`tsea` on PATH is {on_path}" if on_path else "`tsea` is not on PATH"
    return Check(
        name="mcp: command",
        state="lacking",
        found=found,
        advice=f"{elsewhere}: where instructions say `tsea`, give clients {found}.",
    )


def _configuration(command: Sequence[str]) -> Check:
    """What to paste where a client wants JSON: desktop programs know neither this shell's PATH nor its variables."""
    entry: dict[str, object] = {"command": command[0], "args": [*command[1:], "serve"]}
    # A token is a secret: it is named, not shown.
    kept = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    if kept:
        entry["env"] = {name: "..." if name.endswith("TOKEN") else value for name, value in kept.items()}
    return Check(name="mcp: configuration", state="ok", found=json.dumps({"mcpServers": {"tsea": entry}}))


def _conversation(server: Sequence[str], mode: Literal["legacy", "auto"]) -> Check:
    import anyio

    name = "mcp: handshake" if mode == "legacy" else "mcp: discovery"
    with TextIOWrapper(TemporaryFile(), "utf-8", "replace") as errors:
        try:
            return anyio.run(_converse, name, server, mode, errors)
        except Exception as error:
            return Check(name=name, state="failed", found=_told(error), advice=_advice(server, errors))


async def _converse(name: str, server: Sequence[str], mode: Literal["legacy", "auto"], errors: TextIOWrapper) -> Check:
    import anyio
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    parameters = StdioServerParameters(command=server[0], args=[*server[1:]], env=dict(os.environ))
    client = Client(stdio_client(parameters, errlog=errors), mode=mode, read_timeout_seconds=CALL_LIMIT)
    begun = time.monotonic()
    with anyio.move_on_after(HANDSHAKE_LIMIT) as limit:
        async with client:
            limit.deadline = float("inf")  # calls have a limit of their own
            return await _ask(name, client, mode, begun)
    raise TimeoutError(f"no answer in {HANDSHAKE_LIMIT:.0f} s")


async def _ask(name: str, client: Client, mode: Literal["legacy", "auto"], begun: float) -> Check:
    connected = time.monotonic() - begun
    if mode == "auto" and client.session.discover_result is None:
        return Check(
            name=name,
            state="failed",
            found=f"only the handshake of {client.protocol_version}",
            advice="pip install --upgrade mcp",
        )
    tools = (await client.list_tools()).tools
    called = time.monotonic()
    result = await client.call_tool("describe_subject", {})
    took = time.monotonic() - called
    speed = f"connected in {connected:.1f} s, {len(tools)} tools, describe_subject in {took:.1f} s"
    found = f"{client.protocol_version}, {speed}"
    if result.is_error:
        said = " ".join(getattr(block, "text", "") for block in result.content)
        return Check(name=name, state="failed", found=found, advice=f"describe_subject failed: {said}")
    if "job_id" in (result.structured_content or {}):
        advice = "The subject is still being prepared, which goes on in the background: later starts are quicker."
        return Check(name=name, state="lacking", found=f"{found}, as a job", advice=advice)
    if connected > PATIENCE:
        advice = "Some clients wait 10 s: raise their start-up limit (Codex: startup_timeout_sec)."
        return Check(name=name, state="lacking", found=found, advice=advice)
    return Check(name=name, state="ok", found=found)


def _by_hand(server: Sequence[str]) -> Iterator[Check]:
    """Start the server without the SDK, which would pass over stray lines and does not tell the exit code."""
    with TextIOWrapper(TemporaryFile(), "utf-8", "replace") as errors:
        try:
            process = subprocess.Popen(
                server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8", errors="replace"
            )
        except OSError as error:
            yield Check(name="mcp: stdout", state="failed", found=_told(error), advice=_advice(server, errors))
            return
        with process:
            lines = _answers(process)
            code, seconds = _leave(process, lines)
        yield _purity(server, lines, errors)
        yield _departure(server, code, seconds, errors)


def _answers(process: subprocess.Popen[str]) -> list[str]:
    """Send the opening of a client and return what comes until tools/list is answered, or the end."""
    assert process.stdin and process.stdout
    killer = threading.Timer(HANDSHAKE_LIMIT, process.kill)
    killer.start()
    lines: list[str] = []
    try:
        process.stdin.writelines(json.dumps(message) + "\n" for message in _BY_HAND)
        process.stdin.flush()
        for line in process.stdout:
            lines.append(line)
            message = _message(line)
            if message and message.get("id") == 2:
                break
    except OSError:
        pass  # it is gone; the checks say so
    finally:
        killer.cancel()
    return lines


def _leave(process: subprocess.Popen[str], lines: list[str]) -> tuple[int | None, float]:
    """Close stdin, as clients do to end a server. Exit code (None: had to be killed), seconds; adds its last lines."""
    begun = time.monotonic()
    code = None
    try:
        rest, _ = process.communicate(timeout=EXIT_LIMIT)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        rest, _ = process.communicate()
    lines += rest.splitlines()
    return code, time.monotonic() - begun


def _purity(server: Sequence[str], lines: list[str], errors: TextIOWrapper) -> Check:
    foreign = [line for line in lines if _message(line) is None]
    if foreign:
        found = f"not of the protocol: {foreign[0].strip()[:80]!r}"
        advice = "Clients fail on such lines. Start Python without hooks that print (PYTHONSTARTUP, sitecustomize)."
        return Check(name="mcp: stdout", state="failed", found=found, advice=advice)
    answered = {message.get("id") for line in lines if (message := _message(line))}
    if not {1, 2} <= answered:
        return Check(name="mcp: stdout", state="failed", found="no answer", advice=_advice(server, errors))
    return Check(name="mcp: stdout", state="ok", found=f"{len(lines)} lines, all of the protocol")


def _departure(server: Sequence[str], code: int | None, seconds: float, errors: TextIOWrapper) -> Check:
    if code == 0:
        return Check(name="mcp: exit", state="ok", found=f"code 0, {seconds:.1f} s after its client left")
    found = f"still there {EXIT_LIMIT:.0f} s after its client left" if code is None else f"code {code}"
    return Check(name="mcp: exit", state="failed", found=found, advice=_advice(server, errors))


def _message(line: str) -> dict[str, object] | None:
    """The JSON-RPC message of a line; None where it is something else."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    return message if isinstance(message, dict) and message.get("jsonrpc") == "2.0" else None


def _told(error: BaseException) -> str:
    """One line of the first error inside groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(f"{type(error).__name__}: {error}".split())


def _advice(server: Sequence[str], errors: TextIOWrapper) -> str:
    errors.seek(0)
    said = [line.strip() for line in errors if line.strip()]
    last = f" It said: {said[-1][:200]}" if said else ""
    return f"Run `{' '.join(server)}` to see what is wrong.{last}"
