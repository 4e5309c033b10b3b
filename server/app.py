"""The MCP server: the tools of every layer, resources, prompts and completions on one investigation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from importlib.metadata import version
from typing import Any

from mcp import MCPError
from mcp.server import CacheHint, MCPServer
from mcp.server.apps import Apps
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import INVALID_PARAMS

from ..evals.toolbox import EVAL_TOOLS
from ..labeler.toolbox import LABEL_TOOLS
from ..tools.errors import UsageError, nearest
from ..tools.investigation import Investigation
from ..tools.tool import Tool, by_name
from ..tools.toolbox import SCIENCE_TOOLS
from . import prompts, resources
from .instructions import INSTRUCTIONS
from .job_tools import job_tools
from .jobs import Jobs
from .preparation import prepare
from .served_tool import ServedTool
from .views import SPLIT_HISTOGRAM_URI, add_views

NAME = "tsea"
# Seconds: importing torch would hold up the first answers, and clients give up on servers that start slowly.
PREPARED_AFTER = 1.0
_LISTS = ("tools/list", "prompts/list", "resources/list", "resources/templates/list", "server/discover")


def served_tools(jobs: Jobs, *, read_only: bool = False, names: Sequence[str] = ()) -> list[Tool[Any]]:
    """The tools offered: all, those that write no sets or labels, or those named; raises UsageError for unknown names.

    What is started as a job obeys the same choice.
    """
    every: list[Tool[Any]] = [*SCIENCE_TOOLS, *LABEL_TOOLS, *EVAL_TOOLS]
    if read_only:
        every = [tool for tool in every if tool.writes == "nothing"]
    chosen = [tool for tool in every if not names or tool.name in names]
    own = [tool for tool in job_tools(lambda: jobs, chosen) if not names or tool.name in names]
    known = [tool.name for tool in (*every, *job_tools(lambda: jobs, every)) if not tool.job_only]
    if unknown := [name for name in names if name not in (*known, *(tool.name for tool in every))]:
        raise UsageError(f"No tool {unknown[0]}.{nearest(unknown[0], known)} Tools: {', '.join(known)}.")
    return [*chosen, *own]


class Server(MCPServer):
    """The SDK's server, which says what there is where a tool or an argument of a prompt is not known."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Call a tool; raises ToolError for an unknown one."""
        known = [tool.name for tool in await self.list_tools()]
        if name not in known:
            raise ToolError(f"Unknown tool: {name[:100]}.{nearest(name, known)} Tools: {', '.join(known)}.")
        return await super().call_tool(name, arguments, context)

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None, context: Any = None) -> Any:
        """A prompt's messages; raises MCPError for an unknown prompt and for arguments that are missing or unknown."""
        known = {prompt.name: prompt for prompt in await self.list_prompts()}
        if name not in known:
            raise MCPError(
                INVALID_PARAMS, f"No prompt {name[:100]}.{nearest(name, known)} Prompts: {', '.join(known)}."
            )
        takes = {one.name: one.required for one in known[name].arguments or ()}
        missing = [one for one, required in takes.items() if required and not (arguments or {}).get(one)]
        unknown = [one for one in arguments or () if one not in takes]
        if missing or unknown:
            wrong = f"the argument {missing[0]} is missing" if missing else f"unknown argument {unknown[0][:100]}"
            raise MCPError(INVALID_PARAMS, f"{name}: {wrong}. Arguments: {', '.join(takes)}.")
        return await super().get_prompt(name, arguments, context)


def build(
    investigation: Investigation,
    *,
    read_only: bool = False,
    tools: Sequence[str] = (),
    ready: bool = True,
    **settings: Any,
) -> MCPServer:
    """The server; `ready`: load the first subject, and what its first questions need, while nobody asks.

    `settings` go to MCPServer (authentication). Raises UsageError for unknown tools.
    """
    jobs = Jobs(investigation)
    offered = served_tools(jobs, read_only=read_only, names=tools)
    views = Apps()
    add_views(views)

    async def get_ready() -> None:
        await asyncio.sleep(PREPARED_AFTER)
        prepare(investigation, jobs)

    @contextlib.asynccontextmanager
    async def lifespan(_: MCPServer) -> AsyncIterator[dict[str, Any]]:
        waiting = asyncio.create_task(get_ready()) if ready else None
        try:
            yield {}
        finally:
            jobs.close()
            if waiting is not None:
                waiting.cancel()

    server = Server(
        NAME,
        title="tsea: token set enrichment of SAE features",
        instructions=INSTRUCTIONS,
        version=version("tsea"),
        tools=[ServedTool.of(tool, jobs, _meta(tool)) for tool in offered if not tool.job_only],
        extensions=[views],
        lifespan=lifespan,
        log_level="WARNING",
        cache_hints={method: CacheHint(ttl_ms=300_000, scope="public") for method in _LISTS},
        **settings,
    )
    prompts.register(server)
    resources.register(server, investigation, jobs, by_name(offered))
    return server


def _meta(tool: Tool[Any]) -> dict[str, Any] | None:
    """Which tool an interactive view belongs to."""
    return {"ui": {"resourceUri": SPLIT_HISTOGRAM_URI}} if tool.name == "split_histogram" else None
