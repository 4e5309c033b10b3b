"""Who may talk to the HTTP server, and how much of it: hosts, origins, one token, and limits on requests."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..tools.errors import UsageError

TOKEN_VARIABLE = "TSEA_TOKEN"
MIN_TOKEN = 16  # characters
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Limits:
    """Of the HTTP server: bytes of a body, sessions and their idle seconds, requests at once, seconds to send one."""

    body: int = 2**20
    sessions: int = 64
    idle_seconds: float = 900.0
    requests: int = 256
    request_seconds: float = 20.0


class OneToken:
    """Accepts one token and tells nothing about it by how long it takes."""

    def __init__(self, token: str) -> None:
        self._digest = hashlib.sha256(token.encode()).digest()

    async def verify_token(self, token: str) -> AccessToken | None:
        """The access that a token gives, None for another one."""
        if not hmac.compare_digest(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest(), self._digest):
            return None
        return AccessToken(token=token, client_id="tsea", scopes=[])


class _TooSlow(Exception):
    """A request is not whole in time."""


class LimitRequests:
    """ASGI middleware: 503 beyond so many requests at once, 408 for one that is not sent in time."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits, self._open = app, limits, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._open >= self._limits.requests:
            busy = PlainTextResponse("Too many requests at once: try again.", 503, {"Retry-After": "2"})
            await busy(scope, receive, send)
            return
        self._open += 1
        try:
            await self._app(scope, self._in_time(receive), send)
        except _TooSlow:
            await PlainTextResponse("The request took too long to send.", 408)(scope, receive, send)
        finally:
            self._open -= 1

    def _in_time(self, receive: Receive) -> Receive:
        """Receive until the body is whole, within `request_seconds`; what comes later may wait as long as it likes."""
        deadline = asyncio.get_running_loop().time() + self._limits.request_seconds
        whole = False

        async def timely() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise _TooSlow from None
            whole = message["type"] != "http.request" or not message.get("more_body", False)
            return message

        return timely


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_token(file: Path | None) -> str | None:
    """The token of a file, or of TSEA_TOKEN; None without either.

    Raises UsageError for a file that cannot be read or that others can, and for a short token.
    """
    if file is None:
        token = os.environ.get(TOKEN_VARIABLE)
        return None if token is None else _long_enough(token.strip(), TOKEN_VARIABLE)
    try:
        token, mode = file.read_text("utf-8").strip(), file.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Cannot read the token file {file}: {error}.") from None
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH) and stat.S_ISREG(mode):
        raise UsageError(f"Others can read the token file {file}: chmod 600 {file}.")
    return _long_enough(token, str(file))


def _long_enough(token: str, where: str) -> str:
    if len(token) < MIN_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(
            f"The token in {where} is no token: {MIN_TOKEN} or more ASCII characters without spaces, such as "
            "`openssl rand -hex 32` gives."
        )
    return token


def require_token(host: str, token: str | None) -> None:
    """Raise UsageError for a server that others reach without a token."""
    if token is None and not is_loopback(host):
        raise UsageError(
            f"A server on {host} is reached by others: put a token into a file (openssl rand -hex 32) and name it with "
            f"--token-file, or set {TOKEN_VARIABLE}."
        )


def transport_security(host: str, hosts: Sequence[str], origins: Sequence[str]) -> TransportSecuritySettings:
    """Host and Origin headers that are let in: this machine's, the address served on, and those named.

    Raises UsageError for a server on all addresses without a named host, which no client could reach.
    """
    unspecified = host in ("0.0.0.0", "::", "[::]")
    if unspecified and not hosts:
        raise UsageError(
            f"A server on {host} needs --allow-host NAME: the name or address (with its port, if any) that clients use."
        )
    own = [*_LOOPBACK, *([] if unspecified else [f"[{host}]" if ":" in host and not host.startswith("[") else host])]
    named = [one for name in hosts for one in ([name] if name.rpartition(":")[2].isdigit() else [name, f"{name}:*"])]
    allowed = list(dict.fromkeys([*(f"{name}:*" for name in own), *own, *named]))
    local = [f"http://{name}:*" for name in _LOOPBACK]
    return TransportSecuritySettings(allowed_hosts=allowed, allowed_origins=[*local, *origins])
