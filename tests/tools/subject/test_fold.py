from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.subject.fold import folded_unembedding, residual_directions, residual_hook, universe
from tsea.tools.subject.weights import ModelWeights
from tsea.tools.vocabulary import Vocabulary

RNG = np.random.default_rng(0)
N_TOKENS, D_MODEL, N_HEADS, D_HEAD, D_MLP = 11, 6, 2, 4, 5
PARTS = {
    "attention_out": RNG.normal(size=(N_HEADS, D_HEAD, D_MODEL)).astype(np.float32),
    "mlp_out": RNG.normal(size=(D_MLP, D_MODEL)).astype(np.float32),
    "attention_gain": RNG.normal(size=D_MODEL).astype(np.float32),
    "mlp_gain": RNG.normal(size=D_MODEL).astype(np.float32),
}
WEIGHTS = ModelWeights(
    normalization="rms",
    gain=RNG.normal(size=D_MODEL).astype(np.float32),
    unembedding=RNG.normal(size=(N_TOKENS, D_MODEL)).astype(np.float32),
    soft_cap=None,
    n_layers=2,
    part=lambda layer, name: PARTS.get(name),
)
WIDTHS = {"attn.hook_z": N_HEADS * D_HEAD, "mlp.hook_post": D_MLP}


def _vocabulary(n_tokens: int, special: set[int]) -> Vocabulary:
    names = tuple(f"t{index}" for index in range(n_tokens))
    return Vocabulary(names, names, frozenset(special))


def test_the_universe_leaves_out_padding_special_zero_and_duplicated_rows() -> None:
    rows = RNG.normal(size=(10, 4)).astype(np.float32)
    rows[3] = 0
    rows[5] = rows[2]
    rows[6] = rows[2]
    assert universe(rows, _vocabulary(9, {0, 12})).tolist() == [1, 4, 7, 8]


def test_a_row_repeated_only_in_the_padding_stays() -> None:
    rows = RNG.normal(size=(5, 4)).astype(np.float32)
    rows[4] = rows[1]
    assert universe(rows, _vocabulary(4, set())).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("normalization", ["layer", "rms"])
def test_logit_weights_are_the_change_of_logits_with_the_norms_scale_frozen(normalization: str) -> None:
    weights = dataclasses.replace(WEIGHTS, normalization=normalization)
    directions = RNG.normal(size=(3, D_MODEL)).astype(np.float32)
    tokens = np.array([1, 2, 4, 7, 8])

    def logits(residual: np.ndarray) -> np.ndarray:
        centred = residual - residual.mean() if normalization == "layer" else residual
        return (weights.gain.astype(float) * centred) @ weights.unembedding[tokens].astype(float).T

    residual = RNG.normal(size=D_MODEL)
    change = np.stack([logits(residual + direction) - logits(residual) for direction in directions.astype(float)])
    found = residual_directions(directions, "blocks.0.hook_resid_pre", None, weights) @ folded_unembedding(
        weights, tokens
    )
    np.testing.assert_allclose(found, change - change.mean(axis=1, keepdims=True), atol=1e-5)


@pytest.mark.parametrize(
    ("site", "expected"),
    [
        ("hook_resid_mid", lambda rows: rows),
        ("hook_mlp_out", lambda rows: rows),
        ("attn.hook_out", lambda rows: rows * PARTS["attention_gain"]),
        ("mlp.hook_out", lambda rows: rows * PARTS["mlp_gain"]),
        ("mlp.hook_post", lambda rows: (rows @ PARTS["mlp_out"]) * PARTS["mlp_gain"]),
        (
            "attn.hook_z",
            lambda rows: (
                sum(
                    rows[:, head * D_HEAD : (head + 1) * D_HEAD] @ PARTS["attention_out"][head]
                    for head in range(N_HEADS)
                )
                * PARTS["attention_gain"]
            ),
        ),
    ],
)
def test_every_site_is_carried_to_the_residual_stream(site: str, expected: object) -> None:
    rows = RNG.normal(size=(3, WIDTHS.get(site, D_MODEL))).astype(np.float32)
    found = residual_directions(rows, f"blocks.1.{site}", None, WEIGHTS)
    np.testing.assert_allclose(found, expected(rows), rtol=1e-5)  # type: ignore[operator]


def test_a_dictionary_on_one_head_uses_that_heads_part_of_w_o() -> None:
    rows = RNG.normal(size=(3, D_HEAD)).astype(np.float32)
    found = residual_directions(rows, "blocks.0.attn.hook_z", 1, WEIGHTS)
    np.testing.assert_allclose(found, rows @ PARTS["attention_out"][1] * PARTS["attention_gain"], rtol=1e-5)


@pytest.mark.parametrize(
    ("hook", "width", "head", "message"),
    [
        ("blocks.0.hook_resid_pre", D_MODEL + 1, None, "does not fit the model"),
        ("blocks.0.attn.hook_z", D_MODEL, None, "does not fit the model"),
        ("blocks.0.attn.hook_z", D_HEAD, 2, "heads 0 to 1"),
        ("blocks.2.hook_resid_pre", D_MODEL, None, "layers 0 to 1"),
        ("blocks.0.attn.hook_q", D_MODEL, None, "does not write to the residual stream"),
        ("model.layers.3", D_MODEL, None, "does not write to the residual stream"),
    ],
)
def test_what_does_not_fit_is_refused(hook: str, width: int, head: int | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        residual_directions(np.ones((2, width), dtype=np.float32), hook, head, WEIGHTS)


def test_a_part_the_architecture_lacks_is_refused() -> None:
    weights = dataclasses.replace(WEIGHTS, part=lambda layer, name: None)
    with pytest.raises(UsageError, match="cannot be carried"):
        residual_directions(np.ones((2, D_MLP), dtype=np.float32), "blocks.0.mlp.hook_post", None, weights)


def test_bare_directions_stand_on_the_residual_stream_of_the_dictionarys_block() -> None:
    assert residual_hook("blocks.3.hook_resid_mid") == "blocks.3.hook_resid_mid"
    assert residual_hook("blocks.3.attn.hook_z") == "blocks.3.hook_resid_post"
    assert residual_hook("hook_embed") == "hook_embed"


def test_non_finite_weights_are_named() -> None:
    broken = WEIGHTS.unembedding.copy()
    broken[2, 3] = np.nan
    with pytest.raises(TseaError, match=r"unembedding W_U holds 1 non-finite"):
        folded_unembedding(dataclasses.replace(WEIGHTS, unembedding=broken), np.arange(N_TOKENS))
