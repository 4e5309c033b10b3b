"""Explanations of others as runs of the bundled subject."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from foreign import bulk_file, bulk_row, delphi_folder
from outcomes import label, stored_run

from tsea.evals.imports.importing import import_run
from tsea.evals.scores import Statement
from tsea.labeler.exports.export import Destination, FormatName
from tsea.labeler.exports.formats import exported, write_export
from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records
from tsea.tools.subject import registry
from tsea.tools.workbench import Workbench


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as opened:
        yield opened


@pytest.fixture
def bulk(tmp_path: Path) -> Path:
    rows = [
        bulk_row(5, "digits"),
        bulk_row(5, "numbers", model="other"),
        bulk_row(2, ""),
        bulk_row(7, ""),
        bulk_row(7, "names"),
        bulk_row(5, "figures"),
    ]
    return bulk_file(tmp_path / "batch-0.jsonl", rows)


def test_the_first_explanation_of_a_feature_is_its_label_and_the_others_are_counted(
    pocket_bench: Workbench, records: Records, bulk: Path
) -> None:
    run = import_run(pocket_bench, records, bulk, "neuronpedia", "theirs")
    found = records.labels(run)
    assert [(one.feature, one.status, one.text, one.claim) for one in found] == [
        *((2, "failed", "", "none"), (5, "labelled", "digits", "none"), (7, "labelled", "names", "none")),
    ]
    assert found[0].reason == "no description in the file" and found[0].hypotheses == found[1].hypotheses == []
    assert run.summary == {
        **{"features": 3, "labelled": 2, "failed": 1, "explanations": 6},
        **{"failed_explanations": 2, "further_explanations": 2, "by_other_models": 0},
    }
    assert run.subject_hash == pocket_bench.subject.hash and run.finished is not None
    digest = hashlib.sha256(bulk.read_bytes()).hexdigest()
    stated = {name: found[1].provenance[name] for name in ("source", "author", "model", "place", "sha256")}
    assert stated == {
        **{"source": "tiny/0-res", "author": "author", "model": "gpt-4o-mini"},
        **{"place": "batch-0.jsonl, line 1", "sha256": digest},
    }
    assert found[1].kind and Statement.of(found[1]) == Statement("digits")


def test_one_model_may_be_chosen(pocket_bench: Workbench, records: Records, bulk: Path) -> None:
    run = import_run(pocket_bench, records, bulk, "neuronpedia", "theirs", model="other")
    assert [one.text for one in records.labels(run)] == ["numbers"]
    assert (run.summary or {})["by_other_models"] == 5
    with pytest.raises(UsageError, match="No explanation by nobody there, only by gpt-4o-mini, other"):
        import_run(pocket_bench, records, bulk, "neuronpedia", "more", model="nobody")
    assert [one.name for one in records.runs()] == ["theirs"]


def test_the_same_file_again_changes_nothing_and_another_is_refused(
    pocket_bench: Workbench, records: Records, bulk: Path
) -> None:
    before = records.labels(import_run(pocket_bench, records, bulk, "neuronpedia", "theirs"))
    again = records.labels(import_run(pocket_bench, records, bulk, "neuronpedia", "theirs"))
    assert [(one.id, one.text) for one in again] == [(one.id, one.text) for one in before]
    bulk_file(bulk, [bulk_row(5, "changed")])
    with pytest.raises(UsageError, match="Run theirs exists with other settings: sha256 was"):
        import_run(pocket_bench, records, bulk, "neuronpedia", "theirs")


def test_features_that_the_subject_lacks_are_refused_by_their_line(
    pocket_bench: Workbench, records: Records, tmp_path: Path
) -> None:
    file = bulk_file(tmp_path / "a.jsonl", [bulk_row(4095, "fine"), bulk_row(4096, "beyond")])
    with pytest.raises(UsageError, match=r"a.jsonl, line 2: feature 4096, but pocket has features 0 to 4095"):
        import_run(pocket_bench, records, file, "neuronpedia", "theirs")
    assert records.runs() == []


def test_explanations_that_are_known_to_be_of_another_dictionary_are_refused(
    pocket_bench: Workbench, records: Records, bulk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "neuronpedia_names", lambda _: ("gpt2-small", "8-res-jb"))
    with pytest.raises(UsageError, match="are of tiny/0-res, and pocket is gpt2-small/8-res-jb there"):
        import_run(pocket_bench, records, bulk, "neuronpedia", "theirs")


def test_of_several_dictionaries_one_is_chosen(pocket_bench: Workbench, records: Records, tmp_path: Path) -> None:
    folder = delphi_folder(tmp_path / "explanations", {"a_latent1": "one", "b_latent1": "other"})
    with pytest.raises(UsageError, match="holds explanations of a, b: choose one with --source"):
        import_run(pocket_bench, records, folder, "delphi", "theirs")
    with pytest.raises(UsageError, match="no explanation of c, only of a, b"):
        import_run(pocket_bench, records, folder, "delphi", "theirs", source="c")
    run = import_run(pocket_bench, records, folder, "delphi", "theirs", source="b")
    assert [one.text for one in records.labels(run)] == ["other"]


def test_an_empty_file_makes_no_run(pocket_bench: Workbench, records: Records, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no explanation in it"):
        import_run(pocket_bench, records, bulk_file(tmp_path / "a.jsonl", []), "neuronpedia", "theirs")
    assert records.runs() == []


@pytest.mark.parametrize(
    ("format_name", "name", "back"),
    [
        ("neuronpedia", "labels.jsonl.gz", "neuronpedia"),
        ("neuronpedia-batch", "bodies", "neuronpedia"),
        ("delphi", "explanations", "delphi"),
    ],
)
def test_what_was_exported_reads_back(
    pocket_bench: Workbench, records: Records, tmp_path: Path, format_name: FormatName, name: str, back: str
) -> None:
    texts = ["digits, 日本語 and \u202e", '"quoted" | \\n', "gerunds"]
    own = stored_run(records, [label(n, text=text) for n, text in enumerate(texts)] + [label(9, "no_claim", "nothing")])
    to = Destination(source="3-res") if format_name == "delphi" else Destination("tiny", "3-res")
    write_export(exported(own, records.labels(own), format_name, to), tmp_path / name)
    run = import_run(pocket_bench, records, tmp_path / name, back, "back")  # type: ignore[arg-type]
    assert [(one.feature, one.text) for one in records.labels(run)] == list(enumerate(texts))
