from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract import CONTRACT, assert_documented
from typer.testing import CliRunner

from tsea.server.cli import app
from tsea.tools.activations import indexing
from tsea.tools.workbench import Workbench

TEXT = "There were about 12 of them in 1905, 1906"


@pytest.fixture
def tsea(pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line on the bundled subject with a small library: arguments -> finished process."""
    monkeypatch.setattr(Workbench, "open", classmethod(lambda _cls, *_args, **_kwargs: pocket_bench))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def _real(*arguments: str, home: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The installed command in a process of its own."""
    environment = None if home is None else {**__import__("os").environ, "TSEA_HOME": str(home)}
    command = [sys.executable, "-m", "tsea.server", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("stats", ["stats", "3-4", "--json"]),
        ("classes", ["classes", "--json"]),
        ("enrich", ["enrich", "3", "--sets", "regex.*", "--json"]),
        ("enrich --spec", ["enrich", "0-40", "--spec", '{"suffix": "ing"}', "--json"]),
        ("sets", ["sets", "list", "--json"]),
        ("sets suggest", ["sets", "suggest", " red", " white", " blue", " purplish", "--json"]),
        ("steer", ["steer", "618", "--scale", "10", "--text", TEXT, "--random", "16", "--json"]),
        ("ablate", ["ablate", "618", "--text", TEXT, "--set", "regex.all_caps", "--random", "16", "--json"]),
    ],
)
def test_json_output_has_the_documented_fields_in_every_line(tsea: Any, command: str, arguments: list[str]) -> None:
    result = tsea(*arguments)
    assert result.exit_code == 0, result.output
    assert_documented(command, result.stdout)


def test_label_json_has_the_documented_fields_and_the_run_is_listed(tsea: Any) -> None:
    result = tsea("label", "0-255", "--run", "contract", "--outputs-only", "--json")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["feature"] for line in lines] == list(range(256))
    assert all(list(line) == CONTRACT["label"]["fields"] and line["run"] == "contract" for line in lines)
    labelled = next(line for line in lines if line["hypotheses"])
    assert list(labelled["hypotheses"][0]) == CONTRACT["label"]["hypothesis"]
    runs = [json.loads(line) for line in tsea("runs", "list", "--json").stdout.splitlines()]
    assert [run["run"] for run in runs] == ["contract"] and list(runs[0]) == CONTRACT["runs"]["fields"]


@pytest.mark.usefixtures("pocket_reading")
def test_label_says_what_features_fire_on_where_there_is_an_index(tsea: Any, pocket_bench: Workbench) -> None:
    result = tsea("label", "0-63", "--run", "inputs", "--json")
    assert result.exit_code == 0, result.output
    pages = tsea("label", "0-63", "--run", "inputs", "--page")
    found = [path.read_text() for path in Path(str(re.search(r"Pages: (.*)", pages.stdout)[1])).parent.glob("*/*.html")]  # type: ignore[index]
    assert any("What it fires on" in page and "right behind" in page for page in found)
    written = [h for line in result.stdout.splitlines() for h in json.loads(line)["hypotheses"] if h["side"] == "input"]
    assert written and list(written[0]) == CONTRACT["label"]["hypothesis"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexing, "can_open_index", lambda _: False)
        noted = tsea("label", "0-7", "--run", "none")
        assert noted.exit_code == 0 and "has no activation index" in noted.stderr and "fire on: " not in noted.stdout


@pytest.mark.usefixtures("pocket_reading")
def test_label_prints_labels_summary_and_places_and_writes_pages(tsea: Any, tmp_path: Path) -> None:
    result = tsea("label", "0-7", "--run", "pages", "--page")
    assert result.exit_code == 0, result.output
    assert "8 features:" in result.stdout and "Decoy rate" in result.stdout
    assert "What they fire on: " in result.stdout and "64 random encoder directions" in result.stdout
    index = Path(re.search(r"Pages: (.*)", result.stdout)[1])  # type: ignore[index]
    assert index.is_relative_to(tmp_path) and index.exists()
    assert "Contexts that differ" in (index.parent / "features" / "3.html").read_text()
    assert "(run pages)" in result.stdout


def test_enrich_in_the_name_of_a_run_counts_its_tests_once(tsea: Any, pocket_bench: Workbench) -> None:
    from tsea.tools.storage.records import Records

    for _ in range(2):
        assert tsea("enrich", "3,5", "--sets", "regex.*", "--run", "looking", "--json").exit_code == 0
    with Records() as records:
        ledger = records.ledger(records.run("looking"))
    assert [(entry.feature, entry.n_tests) for entry in ledger] == [(f, 10 * len(pocket_bench.sets)) for f in (3, 5)]


def test_a_written_set_is_tested_under_each_null_and_beside_another_one(tsea: Any) -> None:
    for null in ("present", "specific", "random"):
        done = tsea("enrich", "0-3", "--spec", '{"suffix": "ing"}', "--null", null)
        assert done.exit_code == 0 and f"\t{null}\t" in done.stdout
    beside = tsea("enrich", "0-3", "--spec", '{"suffix": "ing"}', "--given", "pos.VBG")
    assert beside.exit_code == 0 and beside.stdout.count("partial_reverse") == 8


def test_a_narrower_universe_ranks_its_tokens_only_and_too_narrow_a_one_is_refused() -> None:
    wide, narrow = (
        json.loads(CliRunner().invoke(app, ["stats", "3", "--json", *universe]).stdout)
        for universe in ([], ["--universe", '{"regex": " [a-z]+"}'])
    )
    assert narrow["top"] and all(re.fullmatch("␣[a-z]+", token["token"]) for token in narrow["top"] + narrow["bottom"])
    assert narrow["std"] != wide["std"]
    refused = CliRunner().invoke(app, ["stats", "3", "--universe", '{"words": ["the", "of"]}'])
    assert refused.exit_code == 2 and "needs at least 100" in refused.stderr


@pytest.mark.parametrize("command", ["hist", "running-sum"])
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_pictures_are_written_where_asked(tsea: Any, tmp_path: Path, command: str, suffix: str) -> None:
    out = tmp_path / f"picture.{suffix}"
    result = tsea(command, "3", "--set", "regex.all_caps", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert out.read_bytes()[:4] in (b"\x89PNG", b"<?xm")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stats", "99999"], "features 0 to 4095"),
        (["stats", "x"], "Use a number"),
        (["enrich", "3", "--sets", "regex.all_cap"], "Did you mean"),
        (["enrich", "3", "--spec", '{"words": ["qwertyuiop"]}'], "other spellings"),
        (["enrich", "3", "--spec", '{"sufix": "ing"}'], "suffix"),
        (["enrich", "3", "--given", "regex.all_caps"], "belong to --spec"),
        (["enrich", "3", "--spec", '{"suffix": "ing"}', "--given", "regex.all_caps", "--null", "random"], "add --null"),
        (["enrich", "3", "--ranking", "features", "--sets", "regex.*"], "leave out"),
        (["enrich", "3", "--spec", "regex.digits", "--sets", "regex.*"], "use one of them"),
        (["enrich", "3", "--spec", "regex.all_digits", "--given", "regex.all_digits"], "neither can add"),
        (["enrich", "3", "--spec", '{"regex": ""}'], "Write a smaller set"),
        (["enrich", "3", "--run", " "], "needs a name"),
        (["hist", "3", "--set", "nothing", "--out", "x.png"], "No token set"),
        (["hist", "3", "--set", "regex.all_caps", "--out", "x.bmp"], "png, svg, pdf"),
        (["label", "density:0.9999..1"], "No feature fits"),
        (["label", "3", "--db", "nonsense"], "sqlite:"),
    ],
)
def test_wrong_requests_give_one_line_and_exit_code_2(tsea: Any, arguments: list[str], message: str) -> None:
    result = tsea(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["stats", "0", "--subject", "poket"], 2, "pocket"),
        (["stats", "0", "--subject", "gpt2-small-res-jb/blocks.88.hook_resid_pre"], 2, "blocks.8.hook_resid_pre"),
        pytest.param(
            ["stats", "0", "--subject", "gpt2-small-res-jb/blocks.8.hook_resid_pre"],
            *(1, "reach"),
            marks=pytest.mark.large,  # the hub's client tries again for half a minute
        ),
        (["stats", "0", "--subject", "local:nowhere"], 2, "nowhere"),
        (["stats", "0", "--device", "tpu"], 2, "device"),
        (["stats"], 2, "FEATURES"),
        (["stats", "0", "--nonsense"], 2, "nonsense"),
    ],
)
def test_wrong_subjects_and_options_fail_before_anything_is_written(
    tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    result = _real(*arguments, home=tmp_path / "home")
    assert result.returncode == code
    assert message.lower() in result.stderr.lower()
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.rglob("*.db"))


def test_a_home_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    result = _real("stats", "0", home=blocked / "home")
    assert result.returncode == 1
    assert "TSEA_HOME" in result.stderr and "Traceback" not in result.stderr


def test_debug_shows_the_traceback_wherever_it_stands(tmp_path: Path) -> None:
    result = _real("stats", "99999", "--debug", home=tmp_path)
    assert result.returncode == 1 and "Traceback" in result.stderr and "UsageError" in result.stderr


def test_help_of_every_command_ends_well(tsea: Any) -> None:
    for command in app.registered_commands:
        name = command.name or command.callback.__name__  # type: ignore[union-attr]
        result = tsea(name, "--help")
        assert result.exit_code == 0 and not result.stderr and "Example: tsea" in result.stdout


def test_progress_on_a_terminal_leaves_stdout_alone_and_shows_one_bar_for_each_kind_of_work() -> None:
    script = """
import sys
from tsea.server.terminal import progress_bars
sys.stderr.isatty = lambda: True
with progress_bars() as report:
    for done in range(5):
        report("work", done, 4)
    print("out")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "out\n"
    assert done.stderr.count("0/4") <= 1  # bars that nobody moves on


def test_every_command_is_documented_with_an_example() -> None:
    for command in app.registered_commands:
        assert command.callback is not None and command.callback.__doc__
        assert command.epilog is not None and command.epilog.startswith("Example: tsea ")


def test_doctor_says_what_is_there(tmp_path: Path) -> None:
    result = _real("doctor", "--json", home=tmp_path)
    checks = {c["name"]: c for c in map(json.loads, result.stdout.splitlines())}
    assert result.returncode == 0, result.stderr
    assert checks["torch"]["state"] == "ok"
    assert checks["subject: pocket"]["state"] == "ok" and "4096 features" in checks["subject: pocket"]["found"]
    assert all(c["advice"] for c in checks.values() if c["state"] != "ok")
    assert np.any([name.startswith("sets: ") for name in checks])
