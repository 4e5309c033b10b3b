"""Other people's clients list, call, read, prompt and complete, and see what this project's own client sees."""

from __future__ import annotations

import json
from typing import Any

import pytest
from external import installs
from external.investigation import BEFORE_THE_LABEL, LOOKS
from external.programs import HERE, Reach, output
from external.visits import plan

TYPESCRIPT = ("typescript_1", "typescript_2")
PYTHON = ("mcp_1", "fastmcp")
VERSION = {
    "typescript_1": "2025-11-25",
    "typescript_2": "2026-07-28",
    "mcp_1": "2025-11-25",
    "fastmcp": "2026-07-28",
}


def _command(client: str) -> list[str]:
    if client in TYPESCRIPT:
        return installs.node_script(HERE / "clients" / f"visit_{client}.mjs")
    return [installs.python(client), str(HERE / "clients" / f"visit_{client}.py")]


@pytest.mark.parametrize("transport", ["http", "stdio"])
@pytest.mark.parametrize("client", [*TYPESCRIPT, *PYTHON])
def test_a_foreign_client_sees_what_our_own_client_sees(
    client: str, transport: str, reach: Reach, seen: dict[str, Any]
) -> None:
    command = _command(client)
    found = json.loads(output([*command, json.dumps(plan(reach(transport), LOOKS))]))
    says_nothing = (client, transport) == ("typescript_1", "stdio")
    assert found["protocol"] == (None if says_nothing else VERSION[client])
    for what in ("tools", "resource", "prompt", "values"):
        assert found[what] == seen[what]
    own = dict(zip((call.tool for call in BEFORE_THE_LABEL), seen["calls"], strict=True))
    for call, result in zip(LOOKS[1:], found["calls"][1:], strict=True):
        assert result == own[call.tool]
        assert not result["error"]
