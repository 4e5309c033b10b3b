"""mcp 1.30 visits a server: the argument is the plan (visits.py), the output what it saw."""

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client


def connect(target: list[str]):
    if target[0].startswith("http"):
        return streamablehttp_client(target[0])
    return stdio_client(StdioServerParameters(command=target[0], args=target[1:], env=dict(os.environ)))


def seen(result: types.CallToolResult) -> dict:
    texts = [part.text for part in result.content if part.type == "text"]
    images = [part.data for part in result.content if part.type == "image"]
    return {"error": bool(result.isError), "texts": texts, "images": images, "structured": result.structuredContent}


async def main(plan: dict) -> dict:
    async with AsyncExitStack() as stack:
        streams = await stack.enter_async_context(connect(plan["target"]))
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
        opened = await session.initialize()
        calls = [seen(await session.call_tool(name, arguments)) for name, arguments in plan["calls"]]
        resource = await session.read_resource(plan["resource"])
        prompt = await session.get_prompt(*plan["prompt"])
        reference = types.ResourceTemplateReference(type="ref/resource", uri=plan["template"])
        completed = await session.complete(reference, plan["argument"])
        return {
            "protocol": opened.protocolVersion,
            "tools": [tool.name for tool in (await session.list_tools()).tools],
            "calls": calls,
            "resource": resource.contents[0].text,
            "prompt": [message.content.text for message in prompt.messages],
            "values": completed.completion.values,
        }


print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
