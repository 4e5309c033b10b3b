from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tsea.tools.errors import UsageError
from tsea.tools.subject import Subject, open_subject
from tsea.tools.subject.encoder_side import encoder_side
from tsea.tools.vocabulary import Vocabulary

TOKENS = np.arange(1, 257)  # the tokenizer's, without the special one


def _centred(rows: np.ndarray) -> np.ndarray:
    return rows - rows.mean(axis=1, keepdims=True)


def _weights(subject: Subject) -> np.ndarray:
    return subject.decoder.astype(np.float64) @ subject.unembedding


def test_on_the_residual_stream_it_is_what_single_tokens_add_to_the_encoders_input(folder: Path, sizes: Any) -> None:
    config = (folder / "sae" / "cfg.json").read_text()
    # This dictionary was trained on a model with centred writing weights; the embedding must be centred as well.
    asked = config.replace(
        '"model_name"', '"model_from_pretrained_kwargs": {"center_writing_weights": true}, "model_name"'
    )
    (folder / "sae" / "cfg.json").write_text(asked.replace(sizes.hook, "blocks.0.hook_resid_pre"))
    subject = open_subject(f"local:{folder}", device="cpu")
    side = encoder_side(subject)
    _, cache = subject.model.run_with_cache(torch.from_numpy(TOKENS)[:, None], names_filter=["blocks.0.hook_resid_pre"])
    read = (
        cache["blocks.0.hook_resid_pre"][:, 0].detach().double().numpy() @ subject.sae.W_enc.detach().double().numpy()
    )
    np.testing.assert_allclose(_weights(side), _centred(read.T), atol=1e-4)
    assert side.hook_out == "blocks.0.hook_resid_pre"
    np.testing.assert_array_equal(side.universe, subject.universe)


@pytest.mark.parametrize("architecture", ["gpt2", "gemma2"])
@pytest.mark.parametrize("site", ["ln2.hook_normalized", "mlp.hook_in"])
def test_behind_a_norm_the_embedding_passes_it_without_its_scale(
    architecture: str, site: str, hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Any, sizes: Any
) -> None:
    model, sae = (
        hf_model(architecture),
        make_sae(sizes.d_model, f"blocks.1.{site}", hook_name_out="blocks.1.hook_mlp_out"),
    )
    embedding = model.get_input_embeddings().weight.detach().double().numpy()[TOKENS]
    if architecture == "gpt2":
        gain = model.transformer.h[1].ln_2.weight
        embedding = _centred(embedding)
    else:
        gain = 1 + model.model.layers[1].pre_feedforward_layernorm.weight
    through = gain.detach().double().numpy() if site == "mlp.hook_in" else 1.0
    encoder = sae.W_enc.detach().double().numpy()
    side = encoder_side(Subject.from_objects(model, sae, tokenizer=tokenizer))
    expected = _centred(((embedding * through) @ encoder).T)
    np.testing.assert_allclose(_weights(side), expected, atol=1e-4 * np.abs(expected).max())


def test_neurons_read_the_input_of_their_mlp(folder: Path, hf_model: Callable[[str], Any]) -> None:
    side = encoder_side(open_subject(f"local:{folder}/neurons/1", device="cpu"))
    block = hf_model("gpt2").transformer.h[1]
    embedding = hf_model("gpt2").transformer.wte.weight.detach().double().numpy()[TOKENS]
    read = (_centred(embedding) * block.ln_2.weight.detach().double().numpy()) @ block.mlp.c_fc.weight.detach().numpy()
    expected = _centred(read.T)
    np.testing.assert_allclose(_weights(side), expected, atol=1e-4 * np.abs(expected).max())


def test_it_is_a_subject_of_its_own_that_shares_model_and_vocabulary(folder: Path) -> None:
    subject = open_subject(f"local:{folder}", device="cpu")
    side = encoder_side(subject)
    assert isinstance(side.vocabulary, Vocabulary)
    assert side.vocabulary is subject.vocabulary
    assert side.hash not in (subject.hash, encoder_side(open_subject(f"local:{folder}/neurons/1", device="cpu")).hash)
    assert side.hash == encoder_side(subject).hash
    assert side.model is subject.model
    assert "encoder rows on the token embedding" in side.convention
    assert (side.name, side.n_features) == (f"{subject.name}@encoder", subject.n_features)
    assert side.alive.tolist() == subject.alive.tolist()


def test_another_embedding_is_another_subject(
    hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Any, sizes: Any
) -> None:
    sae, changed = make_sae(sizes.d_model, sizes.hook), hf_model("llama")
    changed.model.embed_tokens.weight.data += torch.randn(changed.model.embed_tokens.weight.shape)
    one, other = (Subject.from_objects(model, sae, tokenizer=tokenizer) for model in (hf_model("llama"), changed))
    assert one.hash == other.hash
    assert encoder_side(one).hash != encoder_side(other).hash


def test_dictionaries_that_no_embedding_reaches_are_refused(
    folder: Path, tmp_path: Path, hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Any, sizes: Any
) -> None:
    np.save(tmp_path / "rows.npy", np.eye(sizes.d_model, dtype=np.float32))
    bare = open_subject(f"local:{folder}", directions=tmp_path / "rows.npy", device="cpu")
    with pytest.raises(UsageError, match="has no encoder"):
        encoder_side(bare)
    for hook, width in (("blocks.1.hook_attn_out", sizes.d_model), ("blocks.1.mlp.hook_post", sizes.d_mlp)):
        subject = Subject.from_objects(hf_model("gpt2"), make_sae(width, hook), tokenizer=tokenizer)
        with pytest.raises(UsageError, match=f"No token's embedding stands at {hook}"):
            encoder_side(subject)
