"""The model card of the bundled subject, written from the recipe and the measurements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .recipe import CORPUS_FILES, Recipe

# What was aimed at, by measurement.
AIMS = {
    "variance_explained": ("at least", 0.88),
    "l0": ("at most", 40),
    "alive_share": ("at least", 0.95),
    "loss_recovered": ("at least", 0.9),
}
LOSS_AIM = 3.7


def model_card(recipe: Recipe, hook: str, measured: Mapping[str, Mapping[str, Any]]) -> str:
    """The card as Markdown; every figure comes from `measured` (measurements.json) or the recipe."""
    model, settings = measured["model"], recipe.model
    tokens = settings.steps * settings.rows * settings.context
    rows = "\n".join(_sae_row(name, figures) for name, figures in sorted(measured.items()) if name != "model")
    aims = "; ".join(f"{name.replace('_', ' ')} {word} {value}" for name, (word, value) in AIMS.items())
    return f"""# pocket and pocket-random

A small language model with a sparse autoencoder, and the same autoencoder trained on random weights as its control.
They exist so that tsea can be tried, tested and calibrated with nothing downloaded; they are no good for anything else.

## Language model

GPT-2 architecture, {settings.layers} layers, width {settings.width}, {settings.heads} heads, context
{settings.context}, byte-level BPE of {settings.vocabulary} tokens, tied embeddings, {int(model["parameters"]):,}
parameters, stored as fp16. Trained on {tokens / 1e6:.1f} million tokens ({settings.steps} steps of {settings.rows}
rows, each row begun by `<|endoftext|>`), Muon on matrices and AdamW on the rest, seed {settings.seed}.

Loss on held-out documents: **{model["held_out_loss"]:.3f} nats per token** (aim: {LOSS_AIM} or less).

Text, all of it public domain, CC0, CC BY 4.0, MIT or BSD-3: {", ".join(CORPUS_FILES)}. The OpenStax textbooks among it
are by OpenStax, Rice University (CC BY 4.0). {recipe.held_out_share:.0%} of the documents, by content hash, were held
out.

## Sparse autoencoders

TopK, k = {recipe.sae.k}, {recipe.sae.features} features, {recipe.sae.tokens / 1e6:.1f} million tokens, trained with
sae-lens, stored as fp16. Bundled: `sae` at `{hook}` and `random_sae`, trained in the same way at the same place of a
model with random weights (recreated from seed {recipe.random_model_seed}). Measured on held-out documents, BOS left
out:

| SAE | variance explained | L0 | alive | loss recovered |
|---|---|---|---|---|
{rows}

Aims: {aims}. Loss recovered compares with the mean activation put in place of every activation; for the random model
the figure means nothing, since its loss does not depend on its activations.
Excess discoveries of both, and of the MLP neurons of every layer, stand in `evals/measured/excess.md`.

## Activation corpus

`corpus.npz`: {recipe.sampled_tokens / 1e6:.1f} million tokens or a little more, sampled from the language model itself
at temperature {recipe.temperature}, so that no one's text is shipped; the seeds are stored with it.
"""


def _sae_row(name: str, figures: Mapping[str, float]) -> str:
    shown = ("variance_explained", "l0", "alive_share", "loss_recovered")
    return f"| {name} | {' | '.join(f'{figures[key]:.3f}' for key in shown)} |"
