"""fastmcp visits a server: the argument is the plan (visits.py), the output what it saw."""

import asyncio
import json
import os
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp.types import CallToolResult, ResourceTemplateReference


def connect(target: list[str]) -> Client:
    if target[0].startswith("http"):
        return Client(StreamableHttpTransport(target[0]))
    return Client(StdioTransport(target[0], target[1:], env=dict(os.environ)))


def seen(result: CallToolResult) -> dict:
    texts = [part.text for part in result.content if part.type == "text"]
    images = [part.data for part in result.content if part.type == "image"]
    return {"error": bool(result.is_error), "texts": texts, "images": images, "structured": result.structured_content}


async def main(plan: dict) -> dict:
    async with connect(plan["target"]) as client:
        calls = [seen(await client.call_tool_mcp(name, arguments)) for name, arguments in plan["calls"]]
        resource = await client.read_resource(plan["resource"])
        prompt = await client.get_prompt(*plan["prompt"])
        reference = ResourceTemplateReference(type="ref/resource", uri=plan["template"])
        return {
            "protocol": client.session.protocol_version,
            "tools": [tool.name for tool in await client.list_tools()],
            "calls": calls,
            "resource": resource[0].text,
            "prompt": [message.content.text for message in prompt.messages],
            "values": (await client.complete(reference, plan["argument"])).values,
        }


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
