"""The command `tsea serve`: the MCP server over stdio or HTTP."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..tools.errors import UsageError
from . import options as opt

DEFAULT_PORT = 8765


def serve(
    http: Annotated[bool, typer.Option("--http", help="Streamable HTTP instead of stdio.")] = False,
    host: Annotated[
        str, typer.Option(help="With --http: address to listen on; beyond loopback a token is needed.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http: port, 0 for a free one.")] = DEFAULT_PORT,
    subject: Annotated[
        list[str] | None, typer.Option(help="Subject to serve; repeatable, the first is the default (pocket).")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", help="Run that counts tests and keeps labels (default: one for each subject)."),
    ] = None,
    database: opt.Database = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Write no label and no token set.")] = False,
    tools: Annotated[str | None, typer.Option(help="Serve these tools alone, with commas.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that clients must send (or set TSEA_TOKEN).")
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Host header to let in besides loopback; repeatable.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Origin to let in besides loopback; repeatable.")
    ] = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
) -> None:
    """Serve every tool to a language model's client over the Model Context Protocol (MCP)."""
    if not http and (
        token_file is not None or allow_host or allow_origin or host != "127.0.0.1" or port != DEFAULT_PORT
    ):
        raise UsageError("--host, --port, --token-file, --allow-host and --allow-origin belong to --http.")
    if run is not None and not run.strip():
        raise UsageError("--run needs a name.")
    from ..tools.investigation import Investigation
    from .app import build

    names = [] if tools is None else [name.strip() for name in tools.split(",") if name.strip()]
    investigation = Investigation(subject or ["pocket"], run=run, database=database, device=device, dtype=dtype)
    if not http:
        server = build(investigation, read_only=read_only, tools=names)
        with contextlib.suppress(KeyboardInterrupt):
            server.run("stdio")
    else:
        from . import http as web
        from .security import OneToken, read_token, require_token

        token = read_token(token_file)
        require_token(host, token)
        listening = web.listen(host, port)
        auth = {} if token is None else {"token_verifier": OneToken(token), "auth": web.auth_settings(host, port)}
        server = build(investigation, read_only=read_only, tools=names, **auth)
        with contextlib.suppress(KeyboardInterrupt):
            web.serve(web.application(server, host, allow_host or [], allow_origin or []), host, listening)
    # A thread that still computes would hold up the exit, and the libraries it is in would not survive it.
    sys.stderr.flush()
    os._exit(0)
