"""A visit to a server: list, call, read, prompt, complete. This project's own client, and the plan that all follow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import anyio
from external.investigation import FEATURE, Call, job_under_way, without_job
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult, ImageContent, ResourceTemplateReference, TextContent, TextResourceContents


def plan(target: Sequence[str], calls: Sequence[Call]) -> dict[str, Any]:
    """What a visitor does at `target`: an address, or a command and its arguments."""
    return {
        "target": list(target),
        "calls": [list(call) for call in calls],
        "resource": f"tsea://feature/{FEATURE}",
        "prompt": ["label_feature", {"feature": str(FEATURE)}],
        "template": "tsea://feature/{id}",
        "argument": {"name": "id", "value": str(FEATURE)},
    }


def visit(plan: dict[str, Any], mode: str = "auto") -> dict[str, Any]:
    """What this project's own client sees when it follows `plan`."""
    return anyio.run(_visit, plan, mode)


async def _visit(plan: dict[str, Any], mode: Any) -> dict[str, Any]:
    async with Client(_transport(plan["target"]), mode=mode) as client:
        calls = [await _result(client, name, arguments) for name, arguments in plan["calls"]]
        resource = (await client.read_resource(plan["resource"])).contents[0]
        prompt = await client.get_prompt(*plan["prompt"])
        reference = ResourceTemplateReference(type="ref/resource", uri=plan["template"])
        completed = await client.complete(reference, plan["argument"])
        return {
            "protocol": client.protocol_version,
            "tools": [tool.name for tool in (await client.list_tools()).tools],
            "calls": calls,
            "resource": resource.text if isinstance(resource, TextResourceContents) else None,
            "prompt": [message.content.text for message in prompt.messages if message.content.type == "text"],
            "values": completed.completion.values,
        }


def _transport(target: Sequence[str]) -> str | StdioServerParameters:
    if target[0].startswith("http"):
        return target[0]
    return StdioServerParameters(command=target[0], args=list(target[1:]), env=dict(os.environ))


async def _result(client: Client, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    seen = _seen(await client.call_tool(name, arguments))
    while job := job_under_way(seen["texts"][0]):
        seen = _seen(await client.call_tool("get_job", {"job_id": job, "wait_seconds": 20}))
    return {**seen, "texts": [without_job(text) for text in seen["texts"]]}


def _seen(result: CallToolResult) -> dict[str, Any]:
    return {
        "error": bool(result.is_error),
        "texts": [part.text for part in result.content if isinstance(part, TextContent)],
        "images": [part.data for part in result.content if isinstance(part, ImageContent)],
        "structured": result.structured_content,
    }
