"""An investigation by inspect_ai. Arguments: address and name of the LLM, question, URL or command of the server."""

import os
import sys
import tempfile

from inspect_ai import Task, eval
from inspect_ai.agent import react
from inspect_ai.dataset import Sample
from inspect_ai.model import get_model
from inspect_ai.tool import MCPServer, mcp_server_http, mcp_server_stdio


def connect(target: list[str]) -> MCPServer:
    if target[0].startswith("http"):
        return mcp_server_http(url=target[0])
    return mcp_server_stdio(command=target[0], args=target[1:], env=dict(os.environ))


def main(address: str, model: str, instruction: str, *target: str) -> None:
    llm = get_model(f"openai-api/fake/{model}", base_url=address, api_key="none", max_retries=0)
    agent = react(tools=[connect(list(target))], submit=False)
    with tempfile.TemporaryDirectory() as folder:
        task = Task(dataset=[Sample(input=instruction)], solver=agent)
        (log,) = eval(task, model=llm, log_dir=folder, display="none", log_level="error")
        if log.status != "success":
            sys.exit(str(log.error))
        print(log.samples[0].output.completion)  # read from the folder


main(*sys.argv[1:])
