"""`tsea serve` as a program of its own, for tests that need one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread, Timer

SERVE = (sys.executable, "-m", "tsea.server", "serve")
START_LIMIT_S = 120
STOP_LIMIT_S = 10
LISTENING = "Listening on "


@contextmanager
def over_http(*command: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address at which `command` listens, as long as the block runs."""
    said: list[str] = []
    settled = Event()

    def read(lines: Iterable[str]) -> None:
        for line in lines:
            said.append(line)
            if line.startswith(LISTENING):
                settled.set()
        settled.set()

    with subprocess.Popen(
        [*command, "--http", "--port", "0"], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        reader = Thread(target=read, args=(process.stderr,), daemon=True)
        reader.start()
        try:
            assert settled.wait(START_LIMIT_S), "The server said nothing in time:\n" + "".join(said)
            listening = [line for line in said if line.startswith(LISTENING)]
            assert listening, "The server ended:\n" + "".join(said)
            yield listening[0].removeprefix(LISTENING).strip()
        finally:
            process.terminate()
            killer = Timer(STOP_LIMIT_S, process.kill)
            killer.start()
            reader.join()
            killer.cancel()


def refused(*options: str) -> str:
    """What a server says that does not start."""
    found = subprocess.run([*SERVE, *options], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert found.returncode in (1, 2) and found.stdout == "", found
    return found.stderr
