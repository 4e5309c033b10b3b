"""An investigation by LangChain. Arguments: address and name of the LLM, question, URL or command of the server."""

import asyncio
import os
import sys

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools
from langchain_openai import ChatOpenAI


def connection(target: list[str]) -> dict:
    if target[0].startswith("http"):
        return {"transport": "streamable_http", "url": target[0]}
    return {"transport": "stdio", "command": target[0], "args": target[1:], "env": dict(os.environ)}


async def main(address: str, model: str, instruction: str, *target: str) -> None:
    llm = ChatOpenAI(model=model, base_url=address, api_key="none", max_retries=0)
    client = MultiServerMCPClient({"tsea": connection(list(target))})
    async with client.session("tsea") as session:
        agent = create_agent(llm, await load_mcp_tools(session))
        question = {"messages": [{"role": "user", "content": instruction}]}
        result = await agent.ainvoke(question, {"recursion_limit": 100})
    print(result["messages"][-1].text)


asyncio.run(main(*sys.argv[1:]))
