from __future__ import annotations

import json
from pathlib import Path

import pytest
from foreign import delphi_folder

from tsea.evals.imports.delphi import explanations, files_of
from tsea.tools.errors import UsageError


def test_files_are_read_by_hookpoint_and_feature_with_the_model_of_the_run(tmp_path: Path) -> None:
    texts = {"layers.1_latent10": "ten", "layers.1_latent9": " nine ", "layers.0_latent_latent3": "three"}
    folder = delphi_folder(tmp_path / "explanations", texts)
    (folder / "notes.txt").write_text("no explanation")
    (tmp_path / "run_config.json").write_text(json.dumps({"explainer_model": "llama"}))
    found = [one for file in files_of(folder) for one in explanations(file)]
    assert [(one.source, one.feature, one.text) for one in found] == [
        ("layers.0_latent", 3, "three"),
        ("layers.1", 9, "nine"),
        ("layers.1", 10, "ten"),
    ]
    assert {(one.model, one.author) for one in found} == {("llama", "delphi")}


@pytest.mark.parametrize("config", [None, "[]", "{", '{"explainer_model": 3}'])
def test_without_a_configuration_that_names_it_the_model_is_not_known(tmp_path: Path, config: str | None) -> None:
    folder = delphi_folder(tmp_path / "explanations", {"h_latent0": "x"})
    if config is not None:
        (tmp_path / "run_config.json").write_text(config)
    (one,) = explanations(folder / "h_latent0.txt")
    assert one.model is None


@pytest.mark.parametrize("said", ["Explanation could not be parsed.", "No explanation found", "", " "])
def test_what_delphi_writes_in_place_of_an_explanation_is_a_failure(tmp_path: Path, said: str) -> None:
    folder = delphi_folder(tmp_path / "explanations", {"h_latent0": said})
    (one,) = explanations(folder / "h_latent0.txt")
    assert one.text == "" and one.failed == (said.strip() or "an empty explanation")


@pytest.mark.parametrize("content", [b"plain text", b'{"a": 1}', b'"\xff"', b"", b"[" * 100_000])
def test_files_that_are_no_json_string_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "h_latent0.txt"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="h_latent0.txt, line 1: no JSON string"):
        list(explanations(file))


def test_folders_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no file HOOKPOINT_latentN.txt"):
        files_of(tmp_path)
    with pytest.raises(UsageError, match="No folder"):
        files_of(tmp_path / "nowhere")
