"""An investigation by pydantic-ai. Arguments: address and name of the LLM, question, URL or command of the server."""

import asyncio
import os
import sys

from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


def connect(target: list[str]) -> MCPToolset:
    if target[0].startswith("http"):
        return MCPToolset(StreamableHttpTransport(target[0]))
    return MCPToolset(StdioTransport(target[0], target[1:], env=dict(os.environ)))


async def main(address: str, model: str, instruction: str, *target: str) -> None:
    provider = OpenAIProvider(openai_client=AsyncOpenAI(base_url=address, api_key="none", max_retries=0))
    agent = Agent(OpenAIChatModel(model, provider=provider), toolsets=[connect(list(target))], retries=0)
    async with agent:
        result = await agent.run(instruction)
    print(result.output)


asyncio.run(main(*sys.argv[1:]))
