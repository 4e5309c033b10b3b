"""The commands on activations: their JSON, what people see, and what is refused in one line."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract import assert_documented
from typer.testing import CliRunner

from tsea.server.cli import app
from tsea.tools import subject as subjects
from tsea.tools.activations.store import ActivationStore
from tsea.tools.inputs import enrichment, null
from tsea.tools.subject import Subject, open_subject
from tsea.tools.subject.text_rows import bundled_text


@pytest.fixture(scope="module")
def subject() -> Subject:
    return open_subject("pocket")


@pytest.fixture(scope="module")
def home(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TSEA_HOME with a small index, and the corpus it is of."""
    folder = tmp_path_factory.mktemp("home")
    texts = [subject.model.tokenizer.decode(row[1:60]) for row in bundled_text(40)]
    (folder / "corpus.txt").write_text("\n<|endoftext|>\n".join(texts))
    return folder


@pytest.fixture
def tsea(subject: Subject, home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line on the bundled subject with the small index: arguments -> finished command."""
    monkeypatch.setattr(subjects, "open_subject", lambda *_, **__: subject)
    monkeypatch.setenv("TSEA_HOME", str(home))

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, list(arguments))

    assert run("index", "--corpus", str(home / "corpus.txt")).exit_code == 0
    return run


def folder_of(home: Path, subject: Subject) -> Path:
    """The one index of a home."""
    (about,) = (home / "activations" / subject.hash).glob("*/about.json")
    return about.parent


@pytest.fixture
def firing(tsea: Any, home: Path, subject: Subject) -> tuple[str, str]:
    """A feature that fires on open text, and one that never does."""
    store = ActivationStore(folder_of(home, subject))
    own = store.rows.sides == 0
    counts = [own[store.rows.of(store.firings(f).positions)].sum() for f in range(300)]
    return str(np.argmax(counts)), str(np.argmin(counts))


@pytest.mark.parametrize(
    "command", ["index", "activate", "find", "examples", "pairs", "neighbours", "position", "reads", "reads --spec"]
)
def test_json_output_has_the_documented_fields_in_every_line(
    tsea: Any, home: Path, firing: tuple[str, str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrichment, "DRAWS", 256)
    monkeypatch.setattr(null, "PILOT", 256)
    monkeypatch.setattr(null, "DECOYS", 16)
    arguments = {
        "index": ("--corpus", str(home / "corpus.txt")),
        "activate": ("a red car", "--features", f"{firing[0]},7"),
        "find": ("--text", "a red car", "--token", " car"),
        "reads --spec": (firing[0], "--spec", '{"token": {"suffix": "e"}}'),
        "examples": (firing[0], "--ablate"),
    }.get(command, (firing[0],))
    done = tsea(command.split()[0], *arguments, "--json")
    assert done.exit_code == 0, done.output
    assert_documented(command, done.stdout)


def test_a_feature_is_shown_by_kind_with_marks_and_counts(tsea: Any, firing: tuple[str, str]) -> None:
    done = tsea("examples", firing[0], "--kind", "diverse", "--kind", "top", "--kind", "negative", "--count", "2")
    assert done.exit_code == 0, done.output
    first, head, *rows = done.stdout.splitlines()
    assert first.startswith(f"Feature {firing[0]} fires on ") and head.split("\t")[:3] == [
        "kind",
        "activation",
        "alike",
    ]
    cells = [row.split("\t") for row in rows]
    assert [c[0] for c in cells[:4]] == ["top", "top", "diverse", "diverse"]
    assert all(c[0].startswith("negative, ") and c[1:3] == ["0", "-"] for c in cells[4:]) and len(cells) > 4
    assert all(c[2] == "-" for c in cells[:2]) and all(int(c[2]) >= 1 for c in cells[2:4])
    assert all("\u00ab" in c[3] and "\u00bb" in c[3] for c in cells)


def test_ablation_adds_a_change_of_the_loss_to_the_same_examples(tsea: Any, firing: tuple[str, str]) -> None:
    plain, ablated = (
        [line.split("\t") for line in tsea("examples", firing[0], *more).stdout.splitlines()[1:]]
        for more in ((), ("--ablate",))
    )
    assert [row[:-1] for row in ablated] == plain and ablated[0][-1] == "loss change"
    changes = [row[-1] for row in ablated[1:]]
    assert "-" in changes and any(change not in ("-", "0") for change in changes)


def test_edits_stand_in_their_contexts_with_marks(tsea: Any, firing: tuple[str, str]) -> None:
    done = tsea("pairs", firing[0], "--count", "3")
    assert done.exit_code == 0, done.output
    head, *rows = (line.split("\t") for line in done.stdout.splitlines())
    assert head[0] == "edit" and [row[0] for row in rows if row[0] != "keeps"] == ["changes"] * 3
    for row in rows:
        new, context = row[2].replace("\u2423", " "), row[-1]
        assert (f"\u00ab{new}\u00bb" if row[3] == "0" else f"[{new}]") in context and "\u00bb" in context


def test_a_feature_that_never_fires_is_said_to(tsea: Any, firing: tuple[str, str]) -> None:
    for command in ("examples", "pairs", "neighbours", "position"):
        done = tsea(command, firing[1])
        assert done.exit_code == 0 and f"Feature {firing[1]} does not fire on the " in done.stderr
        kinds = {line.split("\t")[0].split(",")[0] for line in done.stdout.splitlines()[1:]}
        assert kinds <= {"negative", "decoder", "encoder"}


def test_edited_texts_stand_together_and_silent_features_are_counted(tsea: Any) -> None:
    done = tsea("activate", "My color is red.", "My color is crimson.", "--features", "0-999")
    _, *rows = (line.split("\t") for line in done.stdout.splitlines())
    assert [row[1] for row in rows] == ["1", "2"] * (len(rows) // 2)
    assert [row[0] for row in rows[::2]] == [row[0] for row in rows[1::2]]
    assert any(row[3] == "\u2423red" for row in rows)
    assert f"Silent in all of it: {1000 - len(rows) // 2:,} of 1,000 features." in done.stderr


def test_a_text_longer_than_the_context_is_said_to_be_read_in_windows(tsea: Any) -> None:
    long = "a red car and " * 60
    for arguments in (("activate", long, "short", "--features", "0-9"), ("find", "--text", long)):
        done = tsea(*arguments)
        assert done.exit_code == 0 and done.stderr.count("was read in 2 windows") == 1


def test_names_of_special_tokens_and_lone_surrogates_are_text(tsea: Any) -> None:
    rows = [json.loads(tsea("activate", t, "--features", "3", "--json").stdout) for t in ("<|endoftext|>", "a\udcffb")]
    assert len(rows[0]["tokens"]) > 1 and len(rows[1]["tokens"]) >= 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("examples", "3", "--kind", "foo"), "there are top, decile, diverse, negative"),
        (("examples", "4096"), "features 0 to 4095"),
        (("pairs", "4096"), "features 0 to 4095"),
        (("neighbours", "4096"), "features 0 to 4095"),
        (("position", "4096"), "features 0 to 4095"),
        (("activate", "a", "--features", "4096"), "features 0 to 4095"),
        (("activate", "a", "--features", "class:prediction"), "give numbers, a range"),
        (("activate", ""), "no token"),
        (("find", "--text", ""), "no token"),
        (
            ("find", "--text", "a red car", "--token", "red"),
            "is 'red'. Its tokens (\u2423 is a space): a \u2423red",
        ),
        (("find", "--text", "a red car", "--token", "\udcff"), "Its tokens"),
        (("find", "--text", "a red car", "--token", ""), "Its tokens"),
        (("index", "--corpus", "EMPTY"), "holds no text"),
        (("index", "--corpus", "BINARY"), "is binary"),
        (("index", "--corpus", "nowhere.txt"), "No file nowhere.txt"),
    ],
)
def test_wrong_usage_is_one_line_that_says_what_to_do(
    tsea: Any, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "EMPTY").write_text("")
    (tmp_path / "BINARY").write_bytes(b"\x7fELF\0")
    done = tsea(*(str(tmp_path / a) if a in ("EMPTY", "BINARY") else a for a in arguments))
    assert done.exit_code == 2, done.output
    errors = [line for line in done.stderr.splitlines() if not line.startswith("tokens indexed: ")]
    assert len(errors) == 1 and message in errors[0]


@pytest.fixture
def other_home(home: Path, tmp_path: Path, tsea: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the home, to be damaged."""
    copied = tmp_path / "copied"
    shutil.copytree(home, copied)
    monkeypatch.setenv("TSEA_HOME", str(copied))
    return copied


def test_an_index_without_open_documents_says_what_to_do(tsea: Any, home: Path, other_home: Path) -> None:
    path = other_home / "same.txt"
    path.write_text("\n<|endoftext|>\n".join(["The same line again."] * 50))
    made = tsea("index", "--corpus", str(path))
    assert made.exit_code == 0 and "documents: 0 open, 0 confirm, 50 held-out" in made.stdout
    assert "No document is open: looking at examples needs more documents that differ." in made.stdout
    for command in ("examples", "pairs", "neighbours", "position"):
        done = tsea(command, "3")
        assert done.exit_code == 2 and "index more documents that differ" in done.stderr
    assert tsea("activate", "a red car", "--features", "24").exit_code == 0
    # Naming the earlier corpus again makes its index the one that answers.
    assert tsea("index", "--corpus", str(home / "corpus.txt")).exit_code == 0
    assert tsea("examples", "3").exit_code == 0


def test_an_index_copied_from_other_weights_is_refused(tsea: Any, other_home: Path, subject: Subject) -> None:
    about = folder_of(other_home, subject) / "about.json"
    about.write_text(about.read_text().replace(subject.hash, "0" * 32))
    for arguments in (("examples", "3"), ("index", "--corpus", str(other_home / "corpus.txt"))):
        done = tsea(*arguments)
        assert done.exit_code == 2 and "other weights than those of pocket" in done.stderr
        assert str(about.parent) in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["tokens.npy", "values.npy", "sides.npy", "about.json", "chunk"])
@pytest.mark.parametrize("size", [None, 0, 60])
def test_a_damaged_index_is_to_be_deleted_and_made_again(
    tsea: Any, other_home: Path, subject: Subject, name: str, size: int | None
) -> None:
    folder = folder_of(other_home, subject)
    if name == "chunk":
        shutil.rmtree(folder / "chunks" / "00000")
    else:
        path = folder / name if name == "about.json" else folder / "chunks" / "00000" / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size - 5 if size is None else size])
    done = tsea("examples", "3", "--kind", "top")
    assert done.exit_code == 1, done.output
    assert "delete this folder and index again" in done.stderr and len(done.stderr.splitlines()) == 1
    shutil.rmtree(folder)
    assert tsea("index", "--corpus", str(other_home / "corpus.txt"), "--tokens", "200").exit_code == 0


def test_damaged_totals_are_added_up_again(tsea: Any, other_home: Path, subject: Subject) -> None:
    whole = tsea("find", "--text", "a red car", "--json").stdout
    path = folder_of(other_home, subject) / "totals" / "open.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert tsea("find", "--text", "a red car", "--json").stdout == whole


def test_a_full_disk_is_one_line_and_exit_code_1(tsea: Any, other_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (other_home / "other.txt").write_text("Some other text about kings.")
    monkeypatch.setattr(np, "save", full)
    done = tsea("index", "--corpus", str(other_home / "other.txt"))
    assert done.exit_code == 1 and "no space left. Free some, or set TSEA_HOME" in done.stderr
    assert "Traceback" not in done.stderr
