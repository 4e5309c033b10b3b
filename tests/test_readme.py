"""The README says what is so: its tables are the measured ones, its commands exist, its pictures are there."""

from __future__ import annotations

import re
from pathlib import Path

from tsea.server import eval_cli
from tsea.server.cli import app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_measured_tables_are_linked_or_stand_in_the_readme_as_they_were_written() -> None:
    shown = re.findall(r"<!-- measured: (\w+) -->\n(.*?)\n<!-- end -->", README, flags=re.DOTALL)
    assert len(shown) == README.count("<!-- measured: ")
    written = {path.stem: path.read_text(encoding="utf-8").strip() for path in (ROOT / "evals/measured").glob("*.md")}
    linked = {name for name in written if f"](evals/measured/{name}.md)" in README}
    assert dict(shown) == {name: table for name, table in written.items() if name not in linked}


def test_every_command_is_in_the_readme_and_every_one_there_exists() -> None:
    known = {c.name or c.callback.__name__.replace("_", "-") for c in app.registered_commands if c.callback}
    known |= {str(group.name) for group in app.registered_groups}
    named = set(re.findall(r"`tsea ([a-z-]+)", README))
    assert named == known
    evals = {c.name or c.callback.__name__ for c in eval_cli.evals.registered_commands if c.callback}
    (row,) = (line for line in README.splitlines() if line.startswith("| `tsea eval ...`"))
    assert evals == set(re.findall(r"`([a-z-]+)`", row))


def test_linked_files_exist() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_nothing_is_left_to_fill_in() -> None:
    assert not re.search(r"@[A-Z_]+@", README)
