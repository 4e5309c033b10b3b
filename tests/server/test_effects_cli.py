"""`tsea steer` and `tsea ablate`: what people see, and what is refused before anything slow begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tsea.server.cli import app
from tsea.tools.activations import activity, indexing
from tsea.tools.activations.activity import Activity
from tsea.tools.activations.store import ActivationStore
from tsea.tools.effects.contexts import CONTEXTS
from tsea.tools.workbench import Workbench

TEXT = "There were about 12 of them"


@pytest.fixture
def tsea(pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line on the bundled subject with a small library; an index is not made unless a test gives one."""
    monkeypatch.setattr(Workbench, "open", classmethod(lambda _cls, *_args, **_kwargs: pocket_bench))
    monkeypatch.setattr(activity, "open_index", lambda *_: pytest.fail("an index was asked for"))
    monkeypatch.setattr(pocket_bench, "activity", Activity(pocket_bench.subject))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def store(pocket_bench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> ActivationStore:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(tmp_path_factory.mktemp("home")))
        return indexing.index_corpus(pocket_bench.subject, None, 10 * 127)


def test_steering_prints_what_was_done_and_a_table(tsea: Any) -> None:
    done = tsea("steer", "618", "--scale", "10", "--strength", "-2", "--text", TEXT, "--random", "16")
    assert done.exit_code == 0, done.output
    first, head, *rows = done.stdout.splitlines()
    assert first.startswith("Feature 618 of pocket steered by -2 x 10: 1 context, ")
    assert first.endswith("acted on, 16 random directions")
    assert head.split("\t")[2:] == ["by the feature", "random mean", "random sd", "p", "p of any"]
    assert [row.split("\t")[0] for row in rows] == [
        *("KL a token", "loss a token"),
        *(["promoted"] * 5 + ["suppressed"] * 5 + ["set"] * 10),
    ]


def test_without_texts_contexts_and_scale_come_from_the_index(
    tsea: Any, store: ActivationStore, pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "open_index", lambda *_: store)
    open_rows = store.rows.sides == 0
    firing = next(
        f for f in range(pocket_bench.subject.n_features) if open_rows[store.rows.of(store.firings(f).positions)].any()
    )
    options = ("--contexts", "2", "--random", "16", "--json")
    for command in ("steer", "ablate"):
        done = tsea(command, str(firing), *options)
        assert done.exit_code == 0, done.output
        found = json.loads(done.stdout)
        assert found["operation"] == command and 1 <= len(found["contexts"]) <= 2
        sources = {context["source"] for context in found["contexts"]}
        assert sources <= {f"document {key:016x}" for key in store.rows.keys[open_rows]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("steer", "4096", "--text", TEXT), "Feature 4096 does not exist"),
        (("ablate", "99999"), "Feature 99999 does not exist"),
        (("ablate", "618", "--text", TEXT, "--contexts", "3"), "use one of them"),
        (("steer", "618", "--set", "{"), "JSON"),
        (("steer", "618", "--text", TEXT, "--scale", "10", "--set", "regex.nothing"), "No token set"),
        (("steer", "618", "--text", TEXT, "--scale", "10", "--strength", "nan"), "A strength of nan"),
        (("steer", "618", "--text", TEXT, "--scale", "-1"), "A scale of -1.0"),
        (("ablate", "618", "--text", ""), "Text 1 is empty"),
        (("ablate", "618", "--text", TEXT, "--random", "3"), "at least 16"),
    ],
)
def test_wrong_usage_is_refused_with_what_to_do(tsea: Any, arguments: tuple[str, ...], message: str) -> None:
    done = tsea(*arguments)
    assert done.exit_code == 2, done.output
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def test_bare_directions_need_a_scale_and_texts(
    tsea: Any, pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from tsea.tools.subject import open_subject

    np.save(tmp_path / "rows.npy", pocket_bench.subject.decoder[:300])
    bare = Workbench(open_subject("pocket", directions=tmp_path / "rows.npy"), pocket_bench.library)
    monkeypatch.setattr(Workbench, "open", classmethod(lambda _cls, *_args, **_kwargs: bare))
    for lacking in (("--text", TEXT), ("--scale", "9")):
        refused = tsea("steer", "3", *lacking)
        assert refused.exit_code == 2 and "add --scale and --text" in refused.stderr
    assert tsea("steer", "3", "--text", TEXT, "--scale", "9", "--random", "16").exit_code == 0


def test_help_says_how_many_contexts_there_are_by_default(tsea: Any) -> None:
    for command in ("steer", "ablate"):
        assert f"(default: {CONTEXTS})" in " ".join(tsea(command, "--help").stdout.replace("│", " ").split())
