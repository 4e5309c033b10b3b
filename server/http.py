"""The MCP server over Streamable HTTP: where it listens, and what it lets in."""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence

import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..tools.errors import TseaError
from .security import LimitRequests, Limits, transport_security

PATH = "/mcp"


def auth_settings(host: str, port: int) -> AuthSettings:
    """What the SDK wants to know beside a token verifier: no scopes, no metadata."""
    url = AnyHttpUrl(f"http://{'localhost' if host in ('0.0.0.0', '::') else _in_url(host)}:{port}")
    return AuthSettings(issuer_url=url, resource_server_url=None, required_scopes=[])


def application(
    server: MCPServer, host: str, hosts: Sequence[str] = (), origins: Sequence[str] = (), limits: Limits | None = None
) -> Starlette:
    """The ASGI application, with /health for those who watch over servers."""
    limits = limits or Limits()

    @server.custom_route("/health", methods=["GET"])
    async def health(_: Request) -> Response:
        # Neither token nor Host is checked on this route, so it says nothing else.
        return JSONResponse({"status": "ok"})

    app = server.streamable_http_app(
        streamable_http_path=PATH,
        host=host,
        max_request_body_size=limits.body,
        max_sessions=limits.sessions,
        session_idle_timeout=limits.idle_seconds,
        transport_security=transport_security(host, hosts, origins),
    )
    app.add_middleware(LimitRequests, limits=limits)
    return app


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is a free one. Raises TseaError, with what to do, where that is not possible."""
    try:
        # With the protocol by its number: asyncio sends small packets at once (TCP_NODELAY) on such sockets only.
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        found = socket.socket(family, kind, protocol)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(128)
        return found
    except OSError as error:
        raise TseaError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}. Choose another --port (0: any) or --host."
        ) from error


def serve(app: Starlette, host: str, listening: socket.socket) -> None:
    """Serve until interrupted; where, is said on stderr."""
    port = listening.getsockname()[1]
    sys.stderr.write(f"Listening on http://{_in_url(host)}:{port}{PATH}\n")
    sys.stderr.flush()
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=1, timeout_keep_alive=15, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listening])


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
