"""The server over HTTP: who is let in, how much of it, and what it does meanwhile."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
import pytest
from mcp import Client
from served import SERVE, over_http, refused
from starlette.testclient import TestClient

from tsea.server.app import build
from tsea.server.http import application
from tsea.server.security import Limits, is_loopback, read_token, transport_security
from tsea.tools.errors import UsageError
from tsea.tools.investigation import Investigation

TOKEN = "a-token-of-forty-characters-for-the-tests"
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
OPENING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


def local(limits: Limits | None = None, **settings: Any) -> TestClient:
    """The application without a process of its own."""
    app = application(build(Investigation(), ready=False, **settings), "127.0.0.1", limits=limits)
    return TestClient(app, base_url="http://127.0.0.1:8765")


def test_hosts_and_origins_of_others_are_refused(served: str) -> None:
    def status(**headers: str) -> int:
        return httpx2.post(served, json=OPENING, headers=HEADERS | headers).status_code

    assert status() == 200
    assert status(Origin="http://localhost:3000") == 200
    assert status(Host="evil.example") == 421
    assert status(Origin="http://evil.example") == 403
    assert status(Origin="http://127.0.0.1.evil.example") == 403


def test_enormous_and_malformed_bodies_are_refused(served: str) -> None:
    big = json.dumps(OPENING | {"padding": "x" * 2**20})
    assert httpx2.post(served, content=big, headers=HEADERS).status_code == 413
    assert httpx2.post(served, content="{", headers=HEADERS).status_code == 400
    deep = "[" * 100_000
    assert httpx2.post(served, content=deep, headers=HEADERS).status_code == 400
    assert httpx2.post(served, json=OPENING, headers=HEADERS).status_code == 200


def test_sessions_and_requests_beyond_the_limits_are_asked_to_come_back() -> None:
    with local(Limits(sessions=2)) as client:
        assert [client.post("/mcp", json=OPENING, headers=HEADERS).status_code for _ in range(3)] == [200, 200, 503]
    with local(Limits(requests=0)) as client:
        busy = client.get("/health")
        assert (busy.status_code, busy.headers["Retry-After"]) == (503, "2")


def test_a_request_that_is_not_sent_in_time_is_ended() -> None:
    async def ask() -> list[int]:
        app = application(build(Investigation(), ready=False), "127.0.0.1", limits=Limits(request_seconds=0.05))
        statuses: list[int] = []
        first = True

        async def receive() -> dict[str, Any]:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": b"{", "more_body": True}
            await asyncio.sleep(60)
            raise AssertionError("nobody waits so long")

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "headers": [(k.lower().encode(), v.encode()) for k, v in (HEADERS | {"Host": "127.0.0.1:8765"}).items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8765),
        }
        async with app.router.lifespan_context(app):
            await app(scope, receive, send)
        return statuses

    assert asyncio.run(ask()) == [408]


def test_a_token_is_asked_for_and_compared() -> None:
    from tsea.server.http import auth_settings
    from tsea.server.security import OneToken

    with local(token_verifier=OneToken(TOKEN), auth=auth_settings("127.0.0.1", 8765)) as client:

        def status(**headers: str) -> int:
            return client.post("/mcp", json=OPENING, headers=HEADERS | headers).status_code

        assert status() == 401
        assert status(Authorization=f"Bearer {TOKEN[:-1]}x") == 401
        assert status(Authorization=f"Bearer {TOKEN}") == 200
        assert client.get("/health").json() == {"status": "ok"}
        # A session belongs to whoever has the token, and the token is asked for again.
        opened = client.post("/mcp", json=OPENING, headers=HEADERS | {"Authorization": f"Bearer {TOKEN}"})
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        assert status(**session) == 401


def test_a_server_that_others_reach_needs_a_token_and_a_name(tmp_path: Path) -> None:
    assert "--token-file" in refused("--http", "--host", "0.0.0.0")
    file = tmp_path / "token"
    file.write_text("short\n")
    file.chmod(0o600)
    assert "openssl rand -hex 32" in refused("--http", "--token-file", str(file))
    file.write_text(f"{TOKEN}\n")
    assert "--allow-host" in refused("--http", "--host", "0.0.0.0", "--token-file", str(file))
    file.chmod(0o644)
    assert "chmod 600" in refused("--http", "--token-file", str(file))
    assert "belong to --http" in refused("--token-file", str(file))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "Choose another --port" in refused("--http", "--port", str(taken.getsockname()[1]))


def test_what_counts_as_this_machine_and_who_is_let_in() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "example.org", "localhost.example.org")))
    found = transport_security("0.0.0.0", ["gpu.example.org", "10.0.0.5:8080"], ["https://app.example.org"])
    assert {"gpu.example.org", "gpu.example.org:*", "10.0.0.5:8080", "127.0.0.1:*"} <= set(found.allowed_hosts)
    assert not {"0.0.0.0", "0.0.0.0:*", "10.0.0.5:8080:*", "*"} & set(found.allowed_hosts)
    assert "https://app.example.org" in found.allowed_origins and found.enable_dns_rebinding_protection


def test_a_token_comes_from_a_private_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSEA_TOKEN", raising=False)
    assert read_token(None) is None
    monkeypatch.setenv("TSEA_TOKEN", TOKEN)
    assert read_token(None) == TOKEN
    file = tmp_path / "token"
    file.write_text(f" {TOKEN}\n")
    file.chmod(stat.S_IRUSR)
    assert read_token(file) == TOKEN
    with pytest.raises(UsageError, match="Cannot read"):
        read_token(tmp_path / "nothing")


def test_clients_that_vanish_leave_the_server_as_it_was(served: str, caplog: pytest.LogCaptureFixture) -> None:
    """Connections cut at every stage: before a request, within one, and while the model works for it."""
    parts = urlsplit(served)
    call = {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "find_features", "arguments": {"text": "a red car"}},
    }
    opened = httpx2.post(served, json=OPENING, headers=HEADERS)
    session = opened.headers["mcp-session-id"]
    body = json.dumps(call)
    request = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nMcp-Session-Id: {session}\r\n"
        "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    for cut in (0, 20, len(request), len(request) + 10, len(request) + len(body)):
        with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
            connection.sendall((request + body)[:cut].encode())

    async def ask() -> int:
        async with Client(served) as client:
            return len((await client.list_tools()).tools)

    assert anyio.run(ask) == 20
    assert not any("Traceback" in record for record in caplog.messages)


def test_two_hundred_calls_at_once_are_answered_or_asked_to_come_back(served: str) -> None:
    """Each gets a result; none hangs, none breaks the protocol."""

    async def ask() -> list[Any]:
        async with Client(served) as client:
            await client.call_tool("describe_subject", {})
            found: list[Any] = []

            async def one(number: int) -> None:
                name, arguments = (
                    ("get_job", {"job_id": f"nobody-{number}"})
                    if number % 2
                    else ("find_features", {"select": str(number)})
                )
                found.append(await client.call_tool(name, arguments))

            async with anyio.create_task_group() as group:
                for number in range(200):
                    group.start_soon(one, number)
            return found

    results = anyio.run(ask)
    assert len(results) == 200
    told = [result.content[0].text for result in results]
    wrong = [text for result, text in zip(results, told, strict=True) if result.is_error]
    assert all("Call the tool again" in text or "server is busy" in text for text in wrong)
    assert sum(not result.is_error for result in results) >= 32


def test_the_command_serves_and_ends_when_asked_to() -> None:
    with over_http(*SERVE) as url:
        assert httpx2.get(f"{url.removesuffix('/mcp')}/health").json() == {"status": "ok"}
        assert httpx2.post(url, json=OPENING, headers=HEADERS).status_code == 200
