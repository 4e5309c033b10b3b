from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tsea.tools.errors import TseaError
from tsea.tools.subject.pocket import text
from tsea.tools.subject.pocket.language_model import new_model, train_language_model
from tsea.tools.subject.pocket.recipe import CORPUS_FILES, RECIPE, LanguageModelRecipe, Recipe, SaeRecipe
from tsea.tools.subject.pocket.train import STAGES, run_stage

HOOK = "blocks.0.hook_resid_post"
TINY = Recipe(
    model=LanguageModelRecipe(
        vocabulary=300, layers=2, width=32, heads=2, context=16, rows=4, steps=6, warmup=2, checkpoint_every=3
    ),
    sae=SaeRecipe(features=64, k=4, tokens=600, rows=4, checkpoints=2, dead_window=5, sampling_window=5),
    hook=HOOK,
    sampled_tokens=2000,
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    for name in CORPUS_FILES:
        documents = [" ".join(rng.choice(["one", "two", "green", "tree", "sea"], 80)) for _ in range(30)]
        with gzip.open(folder / f"{name}.txt.gz", "wt") as out:
            out.write("".join(f"{d}\n<|endoftext|>\n" for d in documents))
    return folder


@pytest.fixture(autouse=True)
def _uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling takes longer than these models take to train."""
    monkeypatch.setattr(torch, "compile", lambda function: function)


@pytest.mark.filterwarnings("ignore")
def test_every_stage_leads_to_a_subject_that_opens(corpus: Path, tmp_path: Path) -> None:
    from tsea.tools.subject import open_subject

    for stage in STAGES:
        run_stage(stage, corpus, tmp_path / "work", HOOK, data=tmp_path / "data", recipe=TINY)
    subject = open_subject(f"local:{tmp_path / 'data'}")
    assert (subject.n_features, subject.d_model, subject.hook_name) == (64, 32, HOOK)
    assert subject.stated.l0 == pytest.approx(4, abs=0.2)
    with np.load(tmp_path / "data" / "corpus.npz") as drawn:
        assert drawn["tokens"].shape[1] == 16 and drawn["tokens"].size >= 2000
        assert (drawn["tokens"][:, 0] == 0).all() and float(drawn["temperature"]) == 1.0
    measured = json.loads((tmp_path / "data" / "measurements.json").read_text())
    assert {"model", "random_sae", f"sae.{HOOK}"} <= measured.keys()
    assert measured["model"]["held_out_loss"] < np.log(300)
    assert 0 < measured[f"sae.{HOOK}"]["alive_share"] <= 1


def test_a_resumed_model_is_the_one_an_uninterrupted_run_gives(corpus: Path, tmp_path: Path) -> None:
    for name in ("whole", "resumed"):
        run_stage("tokenizer", corpus, tmp_path / name, HOOK, recipe=TINY)
        run_stage("encode", corpus, tmp_path / name, HOOK, recipe=TINY)
    train_language_model(tmp_path / "whole", TINY.model)

    class Stopped(Exception):
        pass

    draw, calls = text.rows, []

    def stop_after_four(*arguments: object) -> np.ndarray:
        calls.append(arguments)
        if sum(a[2] == TINY.model.rows for a in calls) > 4:
            raise Stopped
        return draw(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tsea.tools.subject.pocket.language_model.rows", stop_after_four)
        with pytest.raises(Stopped):
            train_language_model(tmp_path / "resumed", TINY.model)
    train_language_model(tmp_path / "resumed", TINY.model)
    one, other = (load_file(tmp_path / name / "model" / "model.safetensors") for name in ("whole", "resumed"))
    assert all(torch.equal(one[key], other[key]) for key in one)


def test_documents_are_split_by_content_and_rows_begin_with_end_of_text(corpus: Path) -> None:
    documents = list(text.documents(corpus))
    assert len(documents) == 30 * len(CORPUS_FILES)
    held_out = [text.is_held_out(d, 0.3) for d in documents]
    assert 0.2 < np.mean(held_out) < 0.4
    assert held_out == [text.is_held_out(d, 0.3) for d in documents]
    drawn = text.rows(np.arange(1, 200, dtype=np.uint16), 0, 5, 8, np.random.default_rng(0))
    assert (drawn[:, 0] == 0).all() and (np.diff(drawn[:, 1:], axis=1) == 1).all()


def test_the_random_model_is_recreated_from_its_seed() -> None:
    small = replace(RECIPE.model, layers=1, width=32, heads=2, vocabulary=64)
    one, same, other = (new_model(seed, small).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["transformer.wte.weight"], other["transformer.wte.weight"])


def test_a_missing_corpus_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TseaError, match="fiction_novels"):
        next(text.documents(tmp_path))
