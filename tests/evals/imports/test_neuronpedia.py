from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from foreign import bulk_file, bulk_row

from tsea.evals.imports.neuronpedia import explanations, files_of
from tsea.tools.errors import TseaError, UsageError


def test_a_bulk_file_is_read_line_by_line_whatever_texts_hold(tmp_path: Path) -> None:
    texts = [" digits\n", "a \u2028 b", '"quoted" \\ {"json": 1}', "日本語"]
    file = bulk_file(tmp_path / "batch-0.jsonl", [bulk_row(i, text) for i, text in enumerate(texts)])
    found = list(explanations(file))
    assert [one.text for one in found] == [text.strip() for text in texts]
    assert [(one.feature, one.place) for one in found][2] == (2, "batch-0.jsonl, line 3")
    assert {one.source for one in found} == {"tiny/0-res"}
    assert (found[0].author, found[0].method, found[0].model) == ("author", "oai_token-act-pair", "gpt-4o-mini")


def test_gzip_and_blank_lines_and_numbers_as_numbers_are_read(tmp_path: Path) -> None:
    lines = f"\n{json.dumps(bulk_row(7, 'x', index=7, explanationModelName=None))}\n\n"
    file = tmp_path / "batch-0.jsonl.gz"
    file.write_bytes(gzip.compress(lines.encode()))
    (one,) = explanations(file)
    assert (one.feature, one.model, one.place) == (7, None, "batch-0.jsonl.gz, line 2")


def test_a_missing_description_is_a_failure_and_never_a_text(tmp_path: Path) -> None:
    file = bulk_file(tmp_path / "a.jsonl", [bulk_row(0, ""), bulk_row(1, None), bulk_row(2, " \n")])
    assert [(one.text, one.failed) for one in explanations(file)] == [("", "no description in the file")] * 3


def test_bodies_of_upload_batch_are_read(tmp_path: Path) -> None:
    body = {
        "modelId": "tiny",
        "source": "0-res",
        "features": [
            {"index": 3, "explanations": [{"text": "digits", "methodName": "m", "modelName": "none"}, {"text": "b"}]},
            {"index": 4, "explanations": []},
        ],
    }
    file = tmp_path / "batch-0.json"
    file.write_text(json.dumps(body))
    found = list(explanations(file))
    assert [(one.feature, one.text, one.method) for one in found] == [(3, "digits", "m"), (3, "b", None)]
    assert found[1].place == "batch-0.json, features[0].explanations[1]"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "line 2: no JSON object"),
        ("[1, 2]", "line 2: no JSON object"),
        ("[" * 100_000, "line 2: no JSON object"),
        (json.dumps({"index": "1"}), "line 2: no 'modelId'"),
        (json.dumps(bulk_row(1, "x") | {"layer": 3}), "line 2: no 'layer'"),
        (json.dumps({k: v for k, v in bulk_row(1, "x").items() if k != "description"}), "line 2: no 'description'"),
        (json.dumps(bulk_row(1, "x", index="-1")), "line 2: 'index' is"),
        (json.dumps(bulk_row(1, "x", index="1.5")), "line 2: 'index' is"),
        (json.dumps(bulk_row(1, "x", index=True)), "line 2: 'index' is"),
        (json.dumps(bulk_row(1, "x", index="٣")), "line 2: 'index' is"),
        (json.dumps(bulk_row(1, "x", description=["x"])), "line 2: description, .* must be texts"),
    ],
)
def test_lines_that_are_no_explanation_are_refused_by_their_number(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(f"{json.dumps(bulk_row(0, 'fine'))}\n{line}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        list(explanations(file))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("[]", "batch.json: no JSON object"),
        ('{"modelId": "a", "source": "b"}', "no list 'features'"),
        ('{"modelId": "a", "source": "b", "features": [{"index": 1}]}', r"features\[0\]: no list 'explanations'"),
        ('{"modelId": "a", "source": "b", "features": [3]}', r"features\[0\]: no JSON object"),
    ],
)
def test_bodies_of_something_else_are_refused(tmp_path: Path, body: str, message: str) -> None:
    file = tmp_path / "batch.json"
    file.write_text(body)
    with pytest.raises(UsageError, match=message):
        list(explanations(file))


def test_files_that_are_damaged_or_no_text_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps(bulk_row(0, "x" * 5000)).encode())
    for name, content, message in (
        ("cut.jsonl.gz", whole[:-12], "no whole gzip file"),
        ("plain.jsonl.gz", b'{"a": 1}', "no whole gzip file"),
        ("latin.jsonl", b'{"a": "\xe9"}', "no text in UTF-8"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match=message):
            list(explanations(tmp_path / name))


def test_a_folder_gives_its_files_in_order_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    for name in ("batch-1.jsonl.gz", "batch-0.jsonl.gz", "readme.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [file.name for file in files_of(tmp_path)] == ["batch-0.jsonl.gz", "batch-1.jsonl.gz"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no .jsonl"):
        files_of(tmp_path / "empty")
    with pytest.raises(UsageError, match="No file or folder"):
        files_of(tmp_path / "nothing.jsonl")


def test_a_file_that_goes_away_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TseaError, match="Cannot read .*gone.jsonl: No such file"):
        list(explanations(tmp_path / "gone.jsonl"))
