"""An investigation by openai-agents. Arguments: address and name of the LLM, question, URL or command of the server."""

import asyncio
import os
import sys

from agents import Agent, OpenAIResponsesModel, Runner, set_tracing_disabled
from agents.mcp import MCPServer, MCPServerStdio, MCPServerStreamableHttp
from openai import AsyncOpenAI


def connect(target: list[str]) -> MCPServer:
    if target[0].startswith("http"):
        return MCPServerStreamableHttp({"url": target[0]}, client_session_timeout_seconds=60)
    params = {"command": target[0], "args": target[1:], "env": dict(os.environ)}
    return MCPServerStdio(params, client_session_timeout_seconds=60)


async def main(address: str, model: str, instruction: str, *target: str) -> None:
    set_tracing_disabled(True)
    llm = OpenAIResponsesModel(model, AsyncOpenAI(base_url=address, api_key="none", max_retries=0))
    async with connect(list(target)) as server:
        agent = Agent("investigator", mcp_servers=[server], model=llm)
        result = await Runner.run(agent, instruction, max_turns=50)
    print(result.final_output)


asyncio.run(main(*sys.argv[1:]))
