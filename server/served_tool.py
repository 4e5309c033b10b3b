"""One of our tools as the MCP SDK serves it: arguments checked by us, work done by a job, progress and cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import Any

import anyio
from mcp.server.apps import client_supports_apps
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool as SdkTool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import ToolAnnotations
from pydantic import PrivateAttr

from ..tools.errors import TseaError
from ..tools.tool import Answer, Tool
from .content import error_result, tool_result
from .job_tools import job_state
from .jobs import Job, Jobs

CALL_SECONDS = 45.0  # clients give up at 60; what takes longer goes on as a job
PROGRESS_SECONDS = 2.0


class ServedTool(SdkTool):
    """A tool of ours beside the jobs that run it."""

    _tool: Tool[Any] = PrivateAttr()
    _jobs: Jobs = PrivateAttr()

    @classmethod
    def of(cls, tool: Tool[Any], jobs: Jobs, meta: dict[str, Any] | None = None) -> ServedTool:
        """Serve a tool."""
        reads = tool.writes == "nothing"
        served = cls(
            fn=tool.run,
            name=tool.name,
            title=tool.title,
            description=tool.description,
            parameters=tool.schema,
            fn_metadata=FuncMetadata(arg_model=ArgModelBase),
            is_async=True,
            context_kwarg=None,
            annotations=ToolAnnotations(
                title=tool.title,
                read_only_hint=reads,
                destructive_hint=False,
                idempotent_hint=reads,
                open_world_hint=False,
            ),
            meta=meta,
        )
        served._tool, served._jobs = tool, jobs
        return served

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Call the tool; what goes wrong is a result that says what to do next."""
        try:
            job = await call(self._jobs, self._tool, arguments, context)
            if not job.finished.is_set():
                self._jobs.keep(job)
                return tool_result(Answer(job_state(job)))
            if job.answer is None:
                return error_result(job.error or f"{self.name} was cancelled.")
            return tool_result(job.answer, with_plot=self.meta is not None and client_supports_apps(context))
        except TseaError as error:
            return error_result(" ".join((str(error), *error.details)))


async def call(jobs: Jobs, tool: Tool[Any], arguments: Mapping[str, Any], context: Context[Any, Any]) -> Job:
    """Start a job and wait for its end, CALL_SECONDS at most; a caller that is cancelled cancels it.

    Raises what `Jobs.start` does.
    """
    job = jobs.start(tool, arguments)
    ended, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop may be closed
            loop.call_soon_threadsafe(ended.set)

    job.when_finished(wake)
    begun = time.monotonic()
    deadline = begun + CALL_SECONDS
    try:
        while not ended.is_set() and (left := deadline - time.monotonic()) > 0:
            with anyio.move_on_after(min(PROGRESS_SECONDS, left)):
                await ended.wait()
            if not ended.is_set():
                # Seconds: what is counted begins anew with every kind of work, and progress must rise.
                await context.report_progress(round(time.monotonic() - begun, 1), CALL_SECONDS, _how_far(job))
    except BaseException:
        job.cancel()
        raise
    return job


def _how_far(job: Job) -> str:
    if job.progress is None:
        return "waiting for its turn" if job.state == "queued" else "working"
    what, done, total = job.progress
    return f"{what}: {done}{f' of {total}' if total else ''}"
