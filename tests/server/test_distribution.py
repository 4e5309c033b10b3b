"""What clients and registries read starts the server that is here: versions, options, tools and prompts agree."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zipfile import ZipFile

import anyio
import pytest
import typer.main
from mcp import Client, StdioServerParameters
from typer.testing import CliRunner

from tsea.server.cli import app
from tsea.server.distribution import bundle

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTION = ROOT / "server" / "distribution"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## Connect an LLM client") :].split("\n## ")[0]
SERVER_JSON = json.loads((DISTRIBUTION / "server.json").read_text())


def _serve_options() -> set[str]:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return {name for parameter in commands["serve"].params for name in parameter.opts if name.startswith("--")}


def _options(arguments: Iterable[str]) -> set[str]:
    """Names of the options among arguments of `tsea serve`; every other argument must follow one."""
    return {argument.split("=")[0] for argument in arguments if argument.startswith("--")}


def _instructions(file: str) -> Iterator[list[str]]:
    """Arguments of the Dockerfile's instructions that are written as JSON."""
    for line in (DISTRIBUTION / "Dockerfile").read_text().splitlines():
        if match := re.match(rf"{file} (\[.*\])$", line):
            yield json.loads(match[1])


# -- a clone, opened in a client -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("file", "key"), [(".mcp.json", "mcpServers"), (".vscode/mcp.json", "servers")])
def test_a_clone_offers_the_server_that_make_installs(file: str, key: str) -> None:
    entry = json.loads((ROOT / file).read_text())[key]["tsea"]
    assert entry["args"] == ["serve"]
    program = entry["command"].replace("${workspaceFolder}/", "")
    makefile = (ROOT / "Makefile").read_text()
    assert program == re.search(r"^VENV := (.*)$", makefile, re.MULTILINE)[1] + "/bin/tsea"  # type: ignore[index]
    assert program.split("/")[-1] in PROJECT["scripts"]


def test_files_for_clients_name_no_place_of_a_machine() -> None:
    for path in (ROOT / ".mcp.json", ROOT / ".vscode" / "mcp.json", *DISTRIBUTION.glob("*.json")):
        assert not re.search(r'"(/|[A-Z]:\\|~)', path.read_text()), path


# -- the registry ----------------------------------------------------------------------------------------------------


def test_the_registry_entry_is_of_this_package_and_version() -> None:
    (package,) = SERVER_JSON["packages"]
    assert SERVER_JSON["version"] == package["version"] == PROJECT["version"]
    assert package["identifier"] == PROJECT["name"] and package["registryType"] == "pypi"
    assert package["transport"] == {"type": "stdio"}
    assert len(SERVER_JSON["description"]) <= 100, "the registry takes no more"


def test_the_readme_proves_to_the_registry_whose_package_it_is() -> None:
    assert re.findall(r"mcp-name: (\S+)", README) == [SERVER_JSON["name"]]
    assert re.fullmatch(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+", SERVER_JSON["name"])


def test_what_the_registry_entry_passes_is_taken_by_the_command() -> None:
    (package,) = SERVER_JSON["packages"]
    first, *rest = package["packageArguments"]
    assert (first["type"], first["value"]) == ("positional", "serve")
    assert {argument["name"] for argument in rest} <= _serve_options()
    assert package["identifier"] in PROJECT["scripts"], "uvx runs the script of the package's own name"


# -- the container ---------------------------------------------------------------------------------------------------


def test_the_container_starts_the_http_server_with_options_that_exist() -> None:
    (entry,), (extra,) = list(_instructions("ENTRYPOINT")), list(_instructions("CMD"))
    assert entry[:2] == ["tsea", "serve"] and "--http" in entry
    assert _options([*entry, *extra]) <= _serve_options()
    dockerfile = (DISTRIBUTION / "Dockerfile").read_text()
    port = entry[entry.index("--port") + 1]
    assert f"EXPOSE {port}\n" in dockerfile and f"127.0.0.1:{port}/health" in dockerfile
    assert re.search(r"^USER \d+$", dockerfile, re.MULTILINE), "not root"
    assert f"python:{bundle.PYTHON}-slim" in dockerfile


def test_the_image_is_built_from_every_package_and_nothing_else() -> None:
    dockerfile = (DISTRIBUTION / "Dockerfile").read_text()
    copied = {name for line in re.findall(r"^COPY ([^-].*) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    assert all((ROOT / name).exists() for name in copied)
    sent = re.findall("^!(.*)$", (DISTRIBUTION / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert copied == set(sent)
    assert {package.split(".")[1] for package in _packages()} | {"pyproject.toml", "README.md", "LICENSE"} <= copied


def _packages() -> list[str]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]


# -- lines of the README ---------------------------------------------------------------------------------------------


def test_the_readme_lists_every_option_of_serve_and_no_other() -> None:
    table = SECTION[SECTION.index("| option of `tsea serve`") :].split("\n\n")[0]
    assert set(re.findall(r"--[a-z][a-z-]*", table)) == _serve_options()


def test_every_way_of_connecting_starts_the_same_command() -> None:
    expected = {"command": "tsea", "args": ["serve"]}
    (pasted,) = re.findall(r"```json\n(.*?)\n```", SECTION, re.DOTALL)
    assert json.loads(pasted) == {"mcpServers": {"tsea": expected}}
    (link,) = re.findall(r"`(cursor://[^`]+)`", SECTION)
    query = parse_qs(urlsplit(link).query)
    assert query["name"] == ["tsea"] and json.loads(base64.b64decode(query["config"][0])) == expected
    (line,) = re.findall(r"`code --add-mcp ([^`]+)`", SECTION)
    assert json.loads(shlex.split(line)[0]) == {"name": "tsea", **expected}
    lines = re.findall(r"`((?:claude|codex) mcp add tsea -- [^`]+)`", SECTION)
    assert [line.split(" -- ")[1] for line in lines] == ["tsea serve"] * 2


# -- the bundle ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle around a wheel of metadata alone, unpacked as the program that opens it does."""
    folder = tmp_path_factory.mktemp("bundle")
    wheel = folder / f"tsea-{PROJECT['version']}-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        archive.writestr(
            f"tsea-{PROJECT['version']}.dist-info/METADATA",
            f"Name: tsea\nVersion: {PROJECT['version']}\nSummary: {PROJECT['description']}\nAuthor: tsea contributors\n"
            f"Keywords: {','.join(PROJECT['keywords'])}\nLicense-Expression: MIT\nRequires-Python: >=3.11\n",
        )
    out = folder / "made" / "tsea.mcpb"
    bundle.main(["--wheel", str(wheel), "--constraints", str(ROOT / "constraints.txt"), "--out", str(out)])
    with ZipFile(out) as archive:
        archive.extractall(folder / "opened")
    return folder / "opened"


def _manifest(packed: Path) -> dict[str, Any]:
    return json.loads((packed / "manifest.json").read_text())


def test_the_bundle_lists_the_tools_and_prompts_that_are_served(packed: Path) -> None:
    async def served() -> tuple[list[str], list[str]]:
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "tsea.server", "serve"], env=dict(os.environ)
        )
        async with Client(command) as client:
            tools, prompts = await client.list_tools(), await client.list_prompts()
            return [tool.name for tool in tools.tools], [prompt.name for prompt in prompts.prompts]

    manifest = _manifest(packed)
    listed = [[item["name"] for item in manifest[kind]] for kind in ("tools", "prompts")]
    assert tuple(listed) == anyio.run(served)
    assert {"label_feature", "compare_labels", "audit_label"} == set(listed[1])
    assert all(item["description"] for item in (*manifest["tools"], *manifest["prompts"]))
    for prompt in manifest["prompts"]:
        assert set(re.findall(r"\$\{arguments\.(\w+)\}", prompt["text"])) == set(prompt["arguments"]) != set()


def test_the_bundle_says_what_the_package_says(packed: Path) -> None:
    manifest = _manifest(packed)
    assert manifest["manifest_version"] == "0.4" and manifest["name"] == "tsea"
    assert manifest["version"] == PROJECT["version"] and manifest["description"] == PROJECT["description"]
    assert manifest["keywords"] == PROJECT["keywords"] and manifest["author"] == PROJECT["authors"][0]
    assert manifest["compatibility"]["runtimes"] == {"python": PROJECT["requires-python"]}


def test_the_bundle_installs_the_wheel_in_it_with_the_versions_that_were_tried(packed: Path) -> None:
    project = tomllib.loads((packed / "pyproject.toml").read_text())
    wheel = packed / project["tool"]["uv"]["sources"]["tsea"]["path"]
    assert wheel.exists() and project["project"]["dependencies"] == ["tsea"]
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert project["tool"]["uv"]["constraint-dependencies"] == pins
    assert (packed / ".python-version").read_text().strip() == "3.11"


def test_settings_reach_the_server_and_empty_ones_do_not(packed: Path) -> None:
    manifest = _manifest(packed)
    arguments = manifest["server"]["mcp_config"]["args"]
    assert arguments[:4] == ["run", "--directory", "${__dirname}", manifest["server"]["entry_point"]]
    settings = {f"--{name}=${{user_config.{name}}}" for name in manifest["user_config"]}
    assert set(arguments[4:]) == settings and _options(settings) <= _serve_options()
    # The server is replaced by one that tells its arguments.
    (packed / "tell.py").write_text(
        "import runpy, sys, tsea.server.cli as cli\ncli.main = lambda: print(sys.argv[1:])\n"
        "sys.argv[:] = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    command = [sys.executable, "tell.py", manifest["server"]["entry_point"]]
    filled = ["--subject=pocket-random", "--run=${user_config.run}", "--run="]
    told = subprocess.run([*command, *filled], cwd=packed, capture_output=True, text=True)
    assert told.stdout.strip() == str(["serve", "--subject=pocket-random"]), told.stderr


def test_the_command_of_the_files_exists() -> None:
    assert CliRunner().invoke(app, ["serve", "--help"]).exit_code == 0
