"""Resources and completions: features, token sets, labels and the subject by address."""

from __future__ import annotations

from typing import Any

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from ..tools.errors import TseaError, UsageError
from ..tools.investigation import Investigation
from ..tools.tool import Tool
from .jobs import Jobs
from .served_tool import call

MOST_COMPLETIONS = 100
_JSON = "application/json"


def register(server: MCPServer, investigation: Investigation, jobs: Jobs, tools: dict[str, Tool[Any]]) -> None:
    """Offer resources and completions; `tools` answer what a resource holds."""

    async def ask(context: Context[Any, Any], tool: str, **arguments: Any) -> str:
        if tool not in tools:
            raise ResourceNotFoundError(f"This server does not serve {tool}.")
        try:
            job = await call(jobs, tools[tool], arguments, context)
        except UsageError as error:
            raise ResourceNotFoundError(str(error)) from None
        except TseaError as error:
            raise ResourceError(str(error)) from None
        if job.answer is None:
            job.cancel()
            raise ResourceNotFoundError(job.error or f"{tool} takes long: call the tool, which goes on as a job.")
        try:
            return job.answer.text
        except TseaError as error:
            raise ResourceError(str(error)) from None

    @server.resource("tsea://subject{?subject}", title="Subject", mime_type=_JSON)
    async def subject(context: Context[Any, Any], subject: str = "") -> str:
        """What is studied."""
        return await ask(context, "describe_subject", subject=subject)

    @server.resource("tsea://feature/{id}{?subject}", title="Feature", mime_type=_JSON)
    async def feature(context: Context[Any, Any], id: str, subject: str = "") -> str:
        """One feature at a glance."""
        return await ask(context, "get_feature", feature=_number(id, "feature"), subject=subject)

    @server.resource("tsea://set/{name}{?subject}", title="Token set", mime_type=_JSON)
    async def token_set(context: Context[Any, Any], name: str, subject: str = "") -> str:
        """One token set of the library."""
        return await ask(context, "list_token_sets", name=name, subject=subject)

    @server.resource("tsea://label/{id}", title="Label", mime_type=_JSON)
    async def label(context: Context[Any, Any], id: str) -> str:
        """One submitted label."""
        return await ask(context, "search_labels", label=_number(id, "label"))

    @server.completion()
    async def complete(
        ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, _: CompletionContext | None
    ) -> Completion:
        kind = _kind(ref, argument.name)
        values = await anyio.to_thread.run_sync(_candidates, investigation, kind, argument.value)
        return Completion(values=values[:MOST_COMPLETIONS], total=len(values), has_more=len(values) > MOST_COMPLETIONS)


def _kind(ref: PromptReference | ResourceTemplateReference, argument: str) -> str:
    """What an argument stands for; `id` depends on whose."""
    if argument != "id" or isinstance(ref, PromptReference):
        return argument
    return "label" if ref.uri.startswith("tsea://label") else "feature"


def _candidates(investigation: Investigation, kind: str, begun: str) -> list[str]:
    """What may be meant; nothing while the subject is not loaded, which nobody waits for while typing."""
    if kind == "subject":
        return [name for name in investigation.subjects if name.startswith(begun)]
    if investigation.state() != "ready":
        return []
    workbench = investigation.workbench()
    if kind == "feature":
        return [name for name in map(str, range(workbench.subject.n_features)) if name.startswith(begun)]
    if kind == "name":
        wanted = begun.lower()
        fitting = [name for name in workbench.library.names if wanted in name.lower()]
        return sorted(fitting, key=lambda name: (not name.lower().startswith(wanted), name))
    if kind == "run":
        return [run.name for run in investigation.records.runs() if run.name.startswith(begun)]
    if kind == "label":
        labels = investigation.records.labels_about(workbench.subject.hash)
        return [str(found.id) for found, _ in labels if str(found.id).startswith(begun)]
    return []


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise ResourceNotFoundError(f"A {what} is a number, as in tsea://{what}/7.")
    return int(text)
