"""Servers that run in a process of their own while they are measured."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence

from ..tools.errors import TseaError


@contextlib.contextmanager
def served_apart(command: Sequence[str]) -> Iterator[str]:
    """The address that a server says in its first line on stderr; it ends with the block. Raises TseaError."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            if "http://" not in line:
                raise TseaError(f"The server did not start: {line.strip() or 'it said nothing'}")
            yield line.split()[-1]
        finally:
            process.terminate()
