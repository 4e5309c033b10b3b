"""`tsea`, where the server it serves also has the conformance suite's fixtures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from external import fixtures_content, fixtures_input  # noqa: E402
from mcp.server import MCPServer  # noqa: E402

from tsea.server import app, cli  # noqa: E402

_build = app.build


def build(*args: Any, **options: Any) -> MCPServer[Any]:
    server = _build(*args, **options)
    fixtures_content.register(server)
    fixtures_input.register(server)
    return server


app.build = build
cli.main()
