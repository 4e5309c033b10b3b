from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.subject import Subject, open_subject, opening
from tsea.tools.subject.models import FolderModel, HubModel, RandomModel
from tsea.tools.subject.names import BUNDLED


def _same(one: Subject, other: Subject) -> None:
    np.testing.assert_array_equal(one.universe, other.universe)
    np.testing.assert_array_equal(one.decoder, other.decoder)
    np.testing.assert_array_equal(one.unembedding, other.unembedding)
    np.testing.assert_array_equal(one.encoder, other.encoder)
    assert one.vocabulary.hash == other.vocabulary.hash
    assert one.hash == other.hash


def test_the_quick_way_gives_the_very_weights_that_the_bridge_gives(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = open_subject(f"local:{folder}")
    monkeypatch.setattr(FolderModel, "weights", HubModel.weights)
    monkeypatch.setattr(FolderModel, "vocabulary", HubModel.vocabulary)
    _same(quick, open_subject(f"local:{folder}"))


def test_a_folders_files_give_the_very_dictionary_that_sae_lens_gives(folder: Path) -> None:
    quick = open_subject(f"local:{folder}")
    _same(quick, Subject.from_objects(quick.model, quick.sae))


def test_opening_a_folder_imports_no_library_that_runs_models(folder: Path) -> None:
    code = (
        "import sys; from tsea.tools.subject import open_subject; "
        f"print(open_subject('local:{folder}').hash, 'transformer_lens' in sys.modules, 'sae_lens' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [open_subject(f"local:{folder}").hash, "False", "False"]


def test_half_precision_files_open_as_float32(folder: Path, hf_model: Callable[[str], Any]) -> None:
    full = open_subject(f"local:{folder}")
    hf_model("gpt2").half().save_pretrained(folder / "model")
    half = open_subject(f"local:{folder}")
    assert half.unembedding.dtype == np.float32
    np.testing.assert_allclose(half.unembedding, full.unembedding, atol=2e-3)
    assert half.hash != full.hash


def test_densities_are_read_and_features_that_never_fire_are_not_alive(folder: Path) -> None:
    subject = open_subject(f"local:{folder}")
    assert subject.density is not None
    np.testing.assert_allclose(subject.density[[0, 3, 11]], [1e-4, 0, 1e-1], rtol=1e-6)
    assert np.flatnonzero(~subject.alive).tolist() == [3]
    assert subject.stated.l0 == 6.0


def test_the_hash_follows_weights_and_hook_point_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    subject = open_subject(f"local:{folder}")
    shutil.copytree(folder, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("elsewhere"))
    elsewhere = tmp_path / "elsewhere"
    assert open_subject(f"local:{elsewhere}").hash == subject.hash
    config = (elsewhere / "sae" / "cfg.json").read_text()
    (elsewhere / "sae" / "cfg.json").write_text(config.replace("hook_resid_pre", "hook_resid_mid"))
    assert open_subject(f"local:{elsewhere}").hash != subject.hash


def test_neurons_of_a_folders_model_are_the_rows_of_w_out(
    folder: Path, hf_model: Callable[[str], Any], sizes: Any
) -> None:
    subject = open_subject(f"local:{folder}/neurons/1")
    mlp = hf_model("gpt2").transformer.h[1].mlp
    rows = mlp.c_proj.weight.detach().numpy()
    assert subject.hook_name == "blocks.1.mlp.hook_post" and subject.sae is None
    np.testing.assert_allclose(subject.decoder, rows - rows.mean(axis=1, keepdims=True), atol=1e-6)
    assert subject.encoder is not None
    np.testing.assert_array_equal(subject.encoder, mlp.c_fc.weight.detach().numpy().T)
    assert subject.n_features == sizes.d_mlp and subject.alive.all()


def test_directions_take_the_dictionarys_place(folder: Path, tmp_path: Path, sizes: Any) -> None:
    rows = np.random.default_rng(0).normal(size=(5, sizes.d_model))
    rows[2] = 0
    np.save(tmp_path / "probes.npy", rows)
    subject = open_subject(f"local:{folder}", directions=tmp_path / "probes.npy")
    assert subject.name.endswith("+probes.npy") and subject.sae is None and subject.encoder is None
    assert subject.alive.tolist() == [True, True, False, True, True]
    np.testing.assert_allclose(subject.decoder, rows - rows.mean(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_array_equal(subject.unembedding, open_subject(f"local:{folder}").unembedding)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((3, 5)), "hold 3 x 5: expected one row of 32 numbers"),
        (np.ones(32), "hold 32: expected one row"),
        (np.ones((0, 32)), "hold 0 x 32"),
        (np.full((2, 32), np.nan), "non-finite"),
        (np.ones((2, 32), dtype=complex), "expected real numbers"),
        (np.array([{"a": 1}]), "cannot be read"),
    ],
)
def test_directions_of_the_wrong_kind_are_refused(folder: Path, tmp_path: Path, values: Any, message: str) -> None:
    np.save(tmp_path / "probes.npy", values, allow_pickle=True)
    with pytest.raises(TseaError, match=message):
        open_subject(f"local:{folder}", directions=tmp_path / "probes.npy")


def _without(path: str) -> Callable[[Path], None]:
    return lambda folder: (folder / path).unlink()


def _narrow(folder: Path) -> None:
    config = json.loads((folder / "model" / "config.json").read_text())
    from transformers import GPT2Config, GPT2LMHeadModel

    GPT2LMHeadModel(GPT2Config(**{**config, "n_embd": 16})).save_pretrained(folder / "model")


def _non_finite(file: str, tensor: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        tensors = load_file(folder / file)
        tensors[tensor].flat[0] = np.inf
        save_file(tensors, folder / file, metadata={"format": "pt"})

    return spoil


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without("model/tokenizer.json"), "No tokenizer in .*model"),
        (_without("model/config.json"), "No model in .*config.json"),
        (_without("model/model.safetensors"), "No model in .*model.safetensors"),
        (_without("sae/cfg.json"), "No SAE in .*cfg.json missing"),
        (_without("sae/sae_weights.safetensors"), "sae_weights.safetensors missing"),
        (lambda folder: (folder / "sae" / "cfg.json").write_text("{"), "SAE .* could not be loaded"),
        (lambda folder: (folder / "model" / "model.safetensors").write_bytes(b"x"), "Model .* could not be loaded"),
        (_narrow, "12 x 32.* does not fit the model: .* have width 16"),
        (_non_finite("sae/sae_weights.safetensors", "W_dec"), "decoder W_dec holds 1 non-finite"),
        (_non_finite("model/model.safetensors", "transformer.ln_f.weight"), "final norm's gain holds 1 non-finite"),
    ],
)
def test_a_damaged_folder_is_refused_with_one_line_that_names_the_damage(
    folder: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(folder)
    with pytest.raises(TseaError, match=message) as caught:
        open_subject(f"local:{folder}")
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        open_subject(f"local:{tmp_path / 'nowhere'}")


def test_what_a_downloaded_file_may_not_ask_for_is_refused(folder: Path) -> None:
    config = json.loads((folder / "sae" / "cfg.json").read_text())
    config["metadata"]["model_from_pretrained_kwargs"] = {"trust_remote_code": True}
    (folder / "sae" / "cfg.json").write_text(json.dumps(config))
    with pytest.raises(UsageError, match="trust_remote_code, which tsea does not support"):
        _ = open_subject(f"local:{folder}").model


def test_pocket_and_pocket_random_open_from_the_packages_data(
    folder: Path, monkeypatch: pytest.MonkeyPatch, hf_model: Callable[[str], Any]
) -> None:
    from tsea.tools.subject.pocket import language_model

    monkeypatch.setattr(opening, "BUNDLED_DATA", folder)
    monkeypatch.setattr(language_model, "new_model", lambda seed: hf_model("gpt2"))
    shutil.copytree(folder / "sae", folder / "random_sae")
    pocket, random = open_subject(), open_subject("pocket-random")
    assert (pocket.name, random.name) == ("pocket", "pocket-random")
    # Here the "random" model is the saved one, so both ways of reading it must agree.
    _same(pocket, random)
    _same(open_subject("pocket/neurons/0"), open_subject("pocket-random/neurons/0"))
    weights = random.model.W_E.detach().numpy()
    np.testing.assert_array_equal(weights, pocket.model.W_E.detach().numpy())


@pytest.mark.parametrize("name", BUNDLED)
def test_the_bundled_subjects_are_read_as_the_bridge_reads_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = open_subject(name)
    for source in (FolderModel, RandomModel):
        monkeypatch.setattr(source, "weights", HubModel.weights)
        monkeypatch.setattr(source, "vocabulary", HubModel.vocabulary)
    _same(quick, open_subject(name))


def test_a_missing_bundle_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(opening, "BUNDLED_DATA", tmp_path / "data")
    with pytest.raises(TseaError, match="reinstall tsea"):
        open_subject("pocket")
