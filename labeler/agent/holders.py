"""Workers that lease features, named so that others on the same machine see when one of them is dead."""

from __future__ import annotations

import os
import secrets
import socket

from ...tools.storage.records import Records
from ...tools.storage.tables import Run

_HOST_CHARACTERS = 32


def new_holder() -> str:
    """A name for a worker of this process, unlike all others: HOST:PROCESS:RANDOM."""
    return f"{_host()}:{os.getpid()}:{secrets.token_hex(4)}"


def release_dead(records: Records, run: Run) -> None:
    """Give back what workers on this machine hold whose process is gone; of other machines, leases run out."""
    for holder in records.holders(run):
        host, _, rest = holder.rpartition(":")[0].rpartition(":")
        if host == _host() and rest.isdigit() and not _lives(int(rest)):
            records.release(run, holder)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's: it lives
        return True
    return True


def _host() -> str:
    return socket.gethostname()[:_HOST_CHARACTERS]
