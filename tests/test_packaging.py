"""What is installed is what stands in the repository: packages, data files, dependencies and pins."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
CLIENTS = ROOT / "tests" / "external" / "clients"  # run in environments of their own, which tests/external makes
FOLDERS = ("server", "tools", "labeler", "evals")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Runs with the wheel's folder in front of the path: imports every module named, and nothing may come from elsewhere.
IMPORT_ALL = """
import importlib, pathlib, sys
target, modules = pathlib.Path(sys.argv[1]), sys.argv[2:]
sys.path.insert(0, str(target))
sys.meta_path[:] = [finder for finder in sys.meta_path if "_EditableFinder" not in repr(finder)]
for name in modules:
    assert pathlib.Path(importlib.import_module(name).__file__).is_relative_to(target), name
"""


def _run(*command: str | Path, cwd: Path = ROOT) -> None:
    """Run Python with these arguments; what it said is the message when it fails."""
    run = subprocess.run([sys.executable, *map(str, command)], cwd=cwd, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def _files() -> Iterator[Path]:
    """Every file of the four folders, relative to the repository, besides compiled ones."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT)


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(("tsea", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _imported_distributions(paths: list[Path]) -> set[str]:
    """Canonical names of the distributions that the modules import, at their top or inside functions."""
    names: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "importlib.import_module":
                names |= {str(name.value).split(".")[0] for name in node.args if isinstance(name, ast.Constant)}
    owners = packages_distributions()
    foreign = names - set(sys.stdlib_module_names) - {"tsea"}
    return {canonicalize_name(owner) for name in foreign for owner in owners.get(name, [name])[:1]}


def _requirements(*groups: str) -> dict[str, Requirement]:
    listed = list(PROJECT["project"]["dependencies"])
    for group in groups:
        listed += PROJECT["project"]["optional-dependencies"][group]
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, listed)}


def test_every_folder_that_holds_modules_is_a_listed_package() -> None:
    folders = {path.parent for path in _files() if path.suffix == ".py"}
    assert {".".join(("tsea", *folder.parts)) for folder in folders} == set(PROJECT["tool"]["setuptools"]["packages"])
    assert all((ROOT / folder / "__init__.py").exists() for folder in folders)


def test_dependencies_are_exactly_what_the_code_imports() -> None:
    assert _imported_distributions([path for path in _files() if path.suffix == ".py"]) == set(
        _requirements("bench", "ray")
    )


def test_tests_import_only_declared_distributions() -> None:
    tests = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py") if path.parent != CLIENTS]
    helpers = {
        "cluster",
        "external",
        "postgres",
        *(canonicalize_name(path.stem) for path in (ROOT / "tests").glob("*.py")),
    }
    assert _imported_distributions(tests) - helpers <= set(_requirements("dev", "bench"))


def test_constraints_pin_each_requirement_to_a_version_it_admits() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    assert all(re.fullmatch(r"[\w.]+", version) for version in pins.values()), "plain versions, no address, no build"
    assert pins["torch"] == "2.13.0"
    for name, requirement in _requirements("dev", "bench", "postgres").items():
        assert requirement.specifier.contains(pins[name], prereleases=True), name


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution of a copy of the repository."""
    copy = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    _run("-m", "build", "--no-isolation", "--outdir", copy / "dist", copy)
    (wheel,) = (copy / "dist").glob("*.whl")
    return wheel


def test_the_wheel_holds_every_file_of_the_folders_and_nothing_else(wheel: Path) -> None:
    held = {name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == {f"tsea/{path.as_posix()}" for path in _files()}


def test_every_module_imports_from_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "installed"
    _run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    modules = [_module(path) for path in _files() if path.suffix == ".py"]
    # -P: the folder it runs in is not on the path either.
    _run("-P", "-c", IMPORT_ALL, target, *modules, cwd=tmp_path)
    assert (target / "bin" / "tsea").exists()
