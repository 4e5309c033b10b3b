"""`tsea sets` on a tokenizer's folder: no model, no subject."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from typer.testing import CliRunner

from tsea.server.cli import app

WORDS = ["red", " red", "Red", " reds", " blue", " dog", " dogs", " walked", " walk", "12", "1999", "?!", "ing"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small byte-level tokenizer, saved."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*letters, *(w.replace(" ", "\u0120") for w in WORDS)])}
    tokenizer = Tokenizer(models.WordLevel({**vocabulary, "<unk>": len(vocabulary)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    path = tmp_path_factory.mktemp("tokenizer")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def built(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in whose cache the tokenizer's library lies."""
    home = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(home))
        assert CliRunner().invoke(app, ["sets", "build", "--tokenizer", str(folder)]).exit_code == 0
    return home


@pytest.fixture
def sets(folder: Path, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`tsea sets COMMAND ... --tokenizer FOLDER` in a home of its own, with a copy of that cache."""
    shutil.copytree(built, tmp_path / "home")
    monkeypatch.setenv("TSEA_HOME", str(tmp_path / "home"))
    return lambda *arguments: CliRunner().invoke(app, ["sets", *arguments, "--tokenizer", str(folder)])


def lines(result: Any) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_list_and_show_need_a_tokenizer_alone(sets: Any) -> None:
    listed = lines(sets("list", "--json"))
    assert {"name", "family", "size", "source", "testable"} <= listed[0].keys()
    digits = next(row for row in listed if row["name"] == "regex.digits" or row["family"] == "digit")
    (shown,) = lines(sets("show", digits["name"], "--json"))
    assert len(shown["ids"]) == shown["size"] == digits["size"]
    assert "Did you mean" in sets("show", digits["name"] + "x").stderr


def test_resolve_gives_ids_what_did_not_map_and_what_is_alike(sets: Any) -> None:
    spec = json.dumps({"words": ["red", "purple"], "variants": "all", "inflected": True})
    (found,) = lines(sets("resolve", "--spec", spec, "--json"))
    assert found["preview"] == ["red", "\u2423red", "Red", "\u2423reds"] and found["size"] == 4
    assert [item["item"] for item in found["unmatched"]] == ["purple"]
    assert json.loads(found["spec"]) == {"words": ["purple", "red"], "variants": "all", "inflected": True}


def test_search_goes_by_words_and_tokens(sets: Any) -> None:
    assert any(row["family"] == "digit" for row in lines(sets("search", "digits", "--token", "12", "--json")))
    assert not lines(sets("search", "digits", "--token", " red", "--json"))
    refused = sets("search", "digits", "--token", "purple")
    assert refused.exit_code == 2 and "no token" in refused.stderr


def test_what_is_exported_can_be_imported_and_differs_in_nothing(sets: Any, tmp_path: Path) -> None:
    out = tmp_path / "mine.gmt"
    assert sets("export", str(out), "letter.*").exit_code == 0
    (nothing,) = lines(sets("diff", str(out), str(out), "--json"))
    assert nothing == {"added": [], "removed": [], "changed": []}
    brought = sets("import", str(out), "--name", "mine")
    assert brought.exit_code == 0 and "Filed as mine.*" in brought.stdout
    exported = {row["name"]: row["size"] for row in lines(sets("list", "letter.*", "--json"))}
    (diff,) = lines(sets("diff", str(out), "--json"))
    assert diff["changed"] == [] and diff["removed"] == []
    assert "Replaced" not in brought.stdout
    again = sets("import", str(out), "--name", "mine")
    assert f"Replaced the family mine ({len(exported)} sets)" in again.stdout


def test_a_copy_is_found_shown_and_described_under_its_own_name(sets: Any, tmp_path: Path) -> None:
    out = tmp_path / "mine.gmt"
    sets("export", str(out), "letter.*")
    sets("import", str(out), "--name", "mine")
    (row, *_) = lines(sets("list", "mine.*", "--json"))
    known = row["same_as"]
    assert row["family"] == "mine" and known in row["aliases"] and row["name"] not in row["aliases"]
    (original,) = lines(sets("show", known, "--json"))
    assert row["name"] in original["aliases"] and original["same_as"] is None
    described = CliRunner().invoke(app, ["sets", "describe", row["name"], "our own words"])
    assert described.exit_code == 0 and f"Described {row['name']}" in described.stdout
    shown = sets("show", row["name"]).stdout
    assert "our own words" in shown and f"Same tokens as {known}" in shown
    assert f"Enrichment and labels call these tokens {known}" in shown
    assert row["name"] in {found["name"] for found in lines(sets("search", "our own words", "--json"))}
    assert "mine\t" in sets("build").stdout
    (pair, *_) = lines(sets("overlap", row["name"], known, "--json"))
    assert (pair["set"], pair["other"], pair["jaccard"]) == (row["name"], known, 1)
    assert sets("export", str(out), "mine.*").exit_code == 0
    assert all(line.startswith("mine.") for line in out.read_text().splitlines())


def test_other_peoples_files_are_read_with_a_report(sets: Any, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.gmt"
    theirs.write_bytes(b"COLOURS\twords\tred\t red\tTP53\tred\r\n\r\nGENES\tna\tTP53\tBRCA1\r\n")
    brought = sets("import", str(theirs))
    assert "1 set, 2 members are tokens, 1 repeated, 3 unknown" in brought.stdout and "TP53" in brought.stdout
    (shown,) = lines(sets("show", "theirs.COLOURS", "--json"))
    assert shown["size"] == 2 and shown["family"] == "theirs"
    genes = tmp_path / "genes.gmt"
    genes.write_text("GENES\tna\tTP53\tBRCA1\n")
    refused = sets("import", str(genes))
    assert refused.exit_code == 2 and "No set of" in refused.stderr
    assert "\nline 1: GENES: no token for TP53, BRCA1\n" in refused.stderr
    assert sets("import", str(theirs), "--name", "regex").exit_code == 2


def test_overlaps_come_with_numbers(sets: Any) -> None:
    rows = lines(sets("overlap", "*", "--json", "--most", "3"))
    assert len(rows) == 3 and rows[0]["jaccard"] >= rows[1]["jaccard"] >= rows[2]["jaccard"] > 0
    assert rows[0].keys() >= {"set", "other", "size", "other_size", "shared", "contained"}


def test_a_damaged_import_is_left_out_and_named(sets: Any, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "sets"
    folder.mkdir(parents=True)
    (folder / "broken.gmt").write_bytes(b"\xff\xfe\x00")
    result = sets("list", "letter.*")
    assert result.exit_code == 0 and "Not built: broken" in result.stdout


def test_build_prints_families(sets: Any, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "home")  # from nothing
    result = sets("build")
    assert result.exit_code == 0 and "letter\t" in result.stdout


def test_sets_made_from_the_model_are_filed_named_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TSEA_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["sets", *arguments])

    assert "2 sets filed as near_pocket.*" in run("derive", "near", " red", "\u2423John", "--size", "20").stdout
    assert "1 set filed as few.*, which now has 1" in run("derive", "promotes", "12", "--name", "few").stdout
    assert run("describe", "few.12", "months and days").exit_code == 0
    (shown,) = lines(run("show", "few.12", "--json"))
    assert shown["description"] == "months and days" and shown["source"] == "derived from pocket"
    assert len(lines(run("list", "near_pocket.*", "--json"))) == 2
    assert "no single token" in run("derive", "near", "two words").stderr
    assert "choose another with --name" in run("derive", "clusters", "--count", "2", "--name", "pos").stderr
    assert run("remove", "few").exit_code == 0
    assert "\u2423red" in run("search", "--token", "\u2423red", "near").stdout
    assert "No set fits" in run("search", "nothing like it").stdout
    assert "is one set" in run("overlap", "regex.all_caps").stderr
    assert "No set could be made" in run("derive", "promotes", "density:2..3").stderr
    again = run("remove", "few")
    assert again.exit_code == 2 and "near_pocket" in again.stderr


@pytest.mark.parametrize("name", ["pocket", "pocket-random"])
def test_a_bundled_subject_ranks_every_ordinary_token_of_its_tokenizer(name: str) -> None:
    from tsea.tools.subject import open_subject

    subject = open_subject(name)
    assert subject.universe.tolist() == subject.vocabulary.ordinary.tolist()


def test_suggest_reads_no_model_and_says_what_does_not_count(sets: Any) -> None:
    (found,) = lines(sets("suggest", "12", "!", "?", "purple", "--json"))
    assert [one["token"] for one in found["unknown"]] == ["purple"] and found["unknown"][0]["pieces"]
    assert sorted([*found["tokens"], *found["sealed"]]) == sorted(["12", "!", "?"])
    assert found["sets"] and found["sets"][0]["p"] <= found["sets"][-1]["p"]
    shown = sets("suggest", "12", "!", "?", "purple", "--most", "1")
    assert "'purple' is no token (<unk>)." in shown.stdout
    assert shown.stdout.splitlines()[-1].startswith(found["sets"][0]["set"])
