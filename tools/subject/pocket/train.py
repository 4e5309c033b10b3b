"""Make the bundled subject from text: `python -m tsea.tools.subject.pocket.train STAGE --corpus FOLDER --work FOLDER`.

Stages, in order: tokenizer, encode, model, sae (once per hook point), random-sae, corpus, measure, bundle. Long ones
write checkpoints into the work folder and take up from them when called again. Seeds and sizes are in `recipe`.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from transformers import GPT2LMHeadModel

from .card import model_card
from .language_model import new_model, train_language_model
from .measure import measure_model, measure_sae, write_figures
from .recipe import RECIPE, Recipe
from .sae import train_sae
from .sample import sample_corpus
from .text import encode_corpus, train_tokenizer

DATA = Path(__file__).parent / "data"


STAGES = ("tokenizer", "encode", "model", "sae", "random-sae", "corpus", "measure", "bundle")


def trained_model(work: Path) -> GPT2LMHeadModel:
    """The trained language model as it is shipped: fp16 weights, computing in float32."""
    return GPT2LMHeadModel.from_pretrained(work / "model", dtype=torch.float32).eval()


def random_model(recipe: Recipe) -> GPT2LMHeadModel:
    """The control: the same architecture with the random weights of the recipe's seed."""
    return new_model(recipe.random_model_seed, recipe.model).eval()


def sae_folder(work: Path, hook: str) -> Path:
    """Where the SAE of a hook point is trained."""
    return work / f"sae.{hook}"


def run_stage(stage: str, corpus: Path, work: Path, hook: str, data: Path = DATA, recipe: Recipe = RECIPE) -> None:
    """Run one stage of a recipe in a work folder; `bundle` writes into `data`."""
    work.mkdir(parents=True, exist_ok=True)
    if stage == "tokenizer":
        train_tokenizer(corpus, work / "tokenizer", recipe.model)
    elif stage == "encode":
        encode_corpus(corpus, work / "tokenizer", work)
    elif stage == "model":
        train_language_model(work, recipe.model)
    elif stage == "sae":
        train_sae(trained_model(work), "pocket", hook, np.load(work / "train.npy"), sae_folder(work, hook), recipe)
    elif stage == "random-sae":
        train_sae(random_model(recipe), "pocket-random", hook, np.load(work / "train.npy"), work / "random_sae", recipe)
    elif stage == "corpus":
        sample_corpus(trained_model(work), work / "corpus.npz", recipe)
    elif stage == "measure":
        _measure(work, hook, recipe)
    else:
        _bundle(work, hook, data, recipe)


def _measure(work: Path, hook: str, recipe: Recipe) -> None:
    """Write measurements.json, and each SAE's own figures as card.json beside it."""
    held_out, train = np.load(work / "held_out.npy"), np.load(work / "train.npy")
    model = trained_model(work)
    measured = {"model": measure_model(model, held_out, recipe)}
    saes = [("random_sae", work / "random_sae", hook, random_model(recipe))]
    for folder in sorted(work.glob("sae.*")):
        saes.append((folder.name, folder, folder.name.removeprefix("sae."), model))
    for name, folder, at, subject in saes:
        if (folder / "cfg.json").exists():
            measured[name] = measure_sae(subject, folder, at, held_out, train, recipe)
            write_figures(folder / "card.json", measured[name])
    write_figures(work / "measurements.json", measured)


def _bundle(work: Path, hook: str, data: Path, recipe: Recipe) -> None:
    """Copy what is shipped: weights, tokenizer, SAEs, sampled corpus and measurements, and write the model card."""
    for source, name in (
        (work / "model", "model"),
        (sae_folder(work, hook), "sae"),
        (work / "random_sae", "random_sae"),
    ):
        shutil.rmtree(data / name, ignore_errors=True)
        shutil.copytree(source, data / name)
    for file in (work / "tokenizer").iterdir():
        shutil.copy(file, data / "model" / file.name)
    for name in ("corpus.npz", "measurements.json"):
        shutil.copy(work / name, data / name)
    measured = json.loads((work / "measurements.json").read_text())
    (data / "MODEL_CARD.md").write_text(model_card(recipe, hook, measured))


def main() -> None:
    """Run one stage of the bundled subject's recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--corpus", type=Path, default=Path("../shared/corpus"), help="folder of *.txt.gz files")
    parser.add_argument("--work", type=Path, default=Path("pocket-work"), help="folder for checkpoints and results")
    parser.add_argument("--hook", default=RECIPE.hook, help="hook point of the sae, measure and bundle stages")
    arguments = parser.parse_args()
    run_stage(arguments.stage, arguments.corpus, arguments.work, arguments.hook)


if __name__ == "__main__":
    main()
