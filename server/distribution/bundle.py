"""Packs tsea as an MCP bundle (.mcpb), which Claude Desktop and others install with a click: `make bundle`.

The bundle holds the wheel and asks for its dependencies in the versions of constraints.txt, which the program that
opens it installs with uv. Format: manifest 0.4 of the MCPB specification, server type uv.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import Prompt

MANIFEST_VERSION = "0.4"
# The version that constraints.txt was tried with.
PYTHON = "3.11"

# The rest of the manifest is known elsewhere: the wheel says its version, the server its tools and prompts.
DISPLAY_NAME = "tsea: what SAE features do"
SETTINGS = {
    "subject": {
        "type": "string",
        "title": "Subject",
        "description": "Model and dictionary: pocket (bundled), local:FOLDER, MODEL/neurons/LAYER or RELEASE/SAE_ID.",
        "default": "pocket",
    },
    "run": {
        "type": "string",
        "title": "Run",
        "description": "Where tests are counted and labels are stored; one for each subject if left empty.",
    },
}
ENTRY_POINT = "main.py"
MAIN = '''\
"""Started with `uv run` by the program that opened the bundle: serves tsea over stdio."""

import sys

from tsea.server.cli import main

if __name__ == "__main__":
    # A setting that was left empty arrives as `--name=`, or with its placeholder in place of a value.
    sys.argv[1:] = ["serve", *(argument for argument in sys.argv[1:] if not argument.endswith(("=", "}")))]
    main()
'''


@dataclass(frozen=True)
class Offer:
    """Tools and prompts of a server, as manifests list them."""

    tools: list[dict[str, str]]
    prompts: list[dict[str, object]]


def manifest(wheel: Message, offer: Offer) -> dict[str, object]:
    """The manifest of a bundle around the wheel of this metadata."""
    return {
        "manifest_version": MANIFEST_VERSION,
        "name": wheel["Name"],
        "display_name": DISPLAY_NAME,
        "version": wheel["Version"],
        "description": wheel["Summary"],
        "author": {"name": wheel["Author"]},
        "keywords": wheel["Keywords"].split(","),
        "license": wheel["License-Expression"],
        "server": {
            "type": "uv",
            "entry_point": ENTRY_POINT,
            "mcp_config": {
                "command": "uv",
                "args": [
                    *("run", "--directory", "${__dirname}", ENTRY_POINT),
                    *(f"--{name}=${{user_config.{name}}}" for name in SETTINGS),
                ],
            },
        },
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": wheel["Requires-Python"]},
        },
        "user_config": SETTINGS,
        "tools": offer.tools,
        "prompts": offer.prompts,
    }


def project(wheel: Message, file: str, constraints: Sequence[str]) -> str:
    """The pyproject.toml of a bundle: an environment with the wheel in it, and nothing to build."""
    pins = "".join(f'    "{pin}",\n' for pin in constraints)
    return f"""\
[project]
name = "{wheel["Name"]}-bundle"
version = "{wheel["Version"]}"
requires-python = "{wheel["Requires-Python"]}"
dependencies = ["{wheel["Name"]}"]

[tool.uv]
package = false
constraint-dependencies = [
{pins}]

[tool.uv.sources]
{wheel["Name"]} = {{ path = "{file}" }}
"""


def pack(wheel: Path, constraints: Path, out: Path) -> None:
    """Write the bundle of a wheel, with the tools and prompts that the server offers."""
    with ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    pins = [line for line in constraints.read_text().splitlines() if line and not line.startswith("#")]
    offer = served()
    out.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(out, "w", ZIP_DEFLATED) as bundle:
        bundle.writestr("manifest.json", json.dumps(manifest(metadata, offer), indent=2))
        bundle.writestr("pyproject.toml", project(metadata, wheel.name, pins))
        bundle.writestr(".python-version", f"{PYTHON}\n")
        bundle.writestr(ENTRY_POINT, MAIN)
        bundle.write(wheel, wheel.name)


def served() -> Offer:
    """Tools and prompts of the server."""
    import anyio

    return anyio.run(_served)


async def _served() -> Offer:
    from mcp import Client

    from ...tools.investigation import Investigation
    from ..app import build

    async with Client(build(Investigation(["pocket"]), ready=False)) as client:
        tools = (await client.list_tools()).tools
        prompts = (await client.list_prompts()).prompts
        return Offer(
            [{"name": tool.name, "description": _first_sentence(tool.description or "")} for tool in tools],
            [await _template(client, prompt) for prompt in prompts],
        )


async def _template(client: Client, prompt: Prompt) -> dict[str, object]:
    """A prompt with placeholders in place of what must be given; what may be left out is left out."""
    required = [argument.name for argument in prompt.arguments or () if argument.required]
    filled = await client.get_prompt(prompt.name, {name: f"${{arguments.{name}}}" for name in required})
    texts = [message.content.text for message in filled.messages if message.content.type == "text"]
    return {
        "name": prompt.name,
        "description": prompt.description or "",
        "arguments": required,
        "text": "\n".join(texts),
    }


def _first_sentence(text: str) -> str:
    return f"{' '.join(text.split()).split('. ')[0].rstrip('.')}."


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a bundle, as the command line says."""
    parser = argparse.ArgumentParser(description="Pack a wheel of tsea as an MCP bundle.")
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--constraints", type=Path, required=True, help="versions to install: constraints.txt")
    parser.add_argument("--out", type=Path, required=True, help="bundle to write: tsea.mcpb")
    options = parser.parse_args(arguments)
    pack(options.wheel, options.constraints, options.out)
    print(options.out)


if __name__ == "__main__":
    main()
