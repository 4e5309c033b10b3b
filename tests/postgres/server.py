"""A PostgreSQL server of the tests' own, in a temporary folder, reached through a socket in that folder alone."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, create_engine

START_SECONDS = 60


class Server:
    """A server that runs; `url` is that of its first database, and each `database()` is a new one."""

    def __init__(self, folder: Path) -> None:
        self.url = URL.create("postgresql+psycopg", "tsea", database="postgres", query={"host": str(folder)})
        self._made = 0

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"tsea{self._made}"
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return self.url.set(database=name).render_as_string()


@contextmanager
def serve() -> Iterator[Server]:
    """Run a server; raises RuntimeError where PostgreSQL is not installed or does not start."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="tsea-pg-") as name:
        folder = Path(name)
        account = _account(folder)
        initdb = [programs / "initdb", "-D", folder / "data", "-U", "tsea", "-A", "trust", "-E", "UTF8", "--no-sync"]
        made = subprocess.run(initdb, cwd=folder, capture_output=True, text=True, **account)
        if made.returncode:
            raise RuntimeError(made.stderr)
        settings = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off", "timezone": "UTC"}
        options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options],
            cwd=folder,
            stderr=subprocess.PIPE,
            text=True,
            **account,
        )
        said: list[str] = []
        ready = threading.Event()
        listener = threading.Thread(target=_listen, args=(process, said, ready))
        listener.start()
        try:
            if not ready.wait(START_SECONDS) or process.poll() is not None:
                raise RuntimeError("".join(said) or "PostgreSQL did not start.")
            yield Server(folder)
        finally:
            process.send_signal(signal.SIGINT)  # "fast": open connections are cut
            process.wait(START_SECONDS)
            listener.join()


def _programs() -> Path:
    """The folder of initdb and postgres: Debian's newest, else where the path leads."""
    debian = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda folder: float(folder.split("/")[-2]))
    found = shutil.which("initdb", path=debian[-1] if debian else None)
    if found is None:
        raise RuntimeError("PostgreSQL is not installed here: apt-get install postgresql")
    return Path(found).parent


def _account(folder: Path) -> dict[str, Any]:
    """Whom the server runs as: PostgreSQL refuses root, which lends the folder to somebody without rights."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _listen(process: subprocess.Popen[str], said: list[str], ready: threading.Event) -> None:
    """Read what the server says until it ends, so that it never waits; `ready` is set at the end too."""
    assert process.stderr is not None
    with process.stderr as lines:
        for line in lines:
            said.append(line)
            if "ready to accept connections" in line:
                ready.set()
    ready.set()
