from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tsea.tools.activations.documents import HubDataset, open_corpus
from tsea.tools.errors import TseaError, UsageError

TEXTS = ["one\ntwo", "three", "naïve  \u2028 text"]


def read(*sources: object) -> list[str]:
    return list(open_corpus([str(source) for source in sources]).documents())


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_documents_of_text_are_separated_by_a_line_of_their_own(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(f"{ending}<|endoftext|>{ending}".join(["one <|endoftext|> more", "", "  ", "two"]).encode())
    assert read(path) == ["one <|endoftext|> more", "two"]


def test_text_and_json_lines_plain_and_gzip_give_the_same_documents(tmp_path: Path) -> None:
    text = "\n<|endoftext|>\n".join(TEXTS)
    lines = "".join(json.dumps({"text": t, "meta": 1}) + "\n" for t in [*TEXTS[:1], " ", *TEXTS[1:]]) + "\n"
    for name, content in (("a.txt", text), ("b.jsonl", lines)):
        (tmp_path / name).write_text(content, "utf-8", newline="\n")
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
        assert read(tmp_path / name) == read(tmp_path / f"{name}.gz") == TEXTS
    (tmp_path / "notes.md").write_text("no corpus")
    assert read(tmp_path) == TEXTS * 4
    assert read(tmp_path / "b.jsonl", tmp_path / "a.txt") == TEXTS * 2


def test_a_corpus_is_known_by_its_content(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in ("a.txt", "b.txt", "c.txt"))
    a.write_text("same")
    b.write_text("same")
    c.write_text("other")
    identity = {path: open_corpus([str(path)]).identity for path in (a, b, c)}
    assert identity[a] == identity[b] != identity[c]
    assert open_corpus([str(a), str(c)]).identity != open_corpus([str(c), str(a)]).identity


def test_bytes_that_are_no_utf8_become_replacement_characters(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("naïve".encode("latin-1"))
    assert read(path) == ["na\ufffdve"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("binary.txt", b"\x7fELF\0\0", "is binary"),
        ("broken.jsonl", b'{"text": "a"}\n{"text": 1}\n', "line 2: no JSON object"),
        ("broken.jsonl", b"[1]\n", "line 1: no JSON object"),
        ("broken.jsonl", b"text\n", "line 1: no JSON object"),
        ("cut.txt.gz", gzip.compress(b"text" * 1000, mtime=0)[:30], "Cannot read"),
        ("none.txt.gz", b"no gzip", "Cannot read"),
    ],
    ids=["binary", "no text", "no object", "no JSON", "cut off", "no gzip"],
)
def test_what_is_no_corpus_is_refused_with_the_place(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TseaError, match=message):
        read(tmp_path / name)


def test_missing_files_empty_folders_and_nothing_are_refused(tmp_path: Path) -> None:
    for sources, message in (
        ([], "No corpus was given"),
        ([tmp_path], "expected files"),
        ([tmp_path / "x"], "hf:NAME"),
    ):
        with pytest.raises(UsageError, match=message):
            read(*sources)


def test_names_of_datasets_are_read_and_the_unreachable_are_reported() -> None:
    found = HubDataset.parse("hf:a/b:c:d")
    assert (found.name, found.config, found.split) == ("a/b", "c", "d")
    assert HubDataset.parse("hf:a/b::test").config is None
    for wrong in ("hf:", "hf:a:b:c:d"):
        with pytest.raises(UsageError, match="write hf:NAME"):
            HubDataset.parse(wrong)
    with pytest.raises(TseaError, match="Cannot stream the dataset nobody/nothing"):
        _ = open_corpus(["hf:nobody/nothing"]).identity
