"""What the tests of this folder share: a server, and an empty database on it for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from postgres.server import Server, serve


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server."""
    with serve() as running:
        yield running


@pytest.fixture
def url(server: Server) -> str:
    """The URL of an empty database."""
    return server.database()
