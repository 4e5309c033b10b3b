"""Small models and dictionaries of every kind, made once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

D_MODEL, N_LAYERS, N_HEADS, D_HEAD, D_MLP, CONTEXT = 32, 2, 4, 8, 48, 16
PADDING_ROWS = 7


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level tokenizer (one token for each byte, and end-of-text first)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {symbol: index for index, symbol in enumerate(["<|endoftext|>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    folder = tmp_path_factory.mktemp("tokenizer")
    special: dict[str, Any] = {f"{kind}_token": "<|endoftext|>" for kind in ("bos", "eos", "unk")}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tokenizer(tokenizer_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tokenizer_folder)


def randomise(model: Any, seed: int = 0) -> Any:
    """Give every parameter random values, norms' gains included (libraries start those at one or zero)."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator) * 0.2
        parameter.data = noise + parameter.data if parameter.ndim == 1 and name.endswith("weight") else noise
    return model.eval()


@pytest.fixture(scope="session")
def hf_models(tokenizer: Any) -> dict[str, Any]:
    """Tiny random Hugging Face models by architecture, each with more embedding rows than the tokenizer has tokens."""
    from transformers import (
        Gemma2Config,
        Gemma2ForCausalLM,
        Gemma3ForCausalLM,
        Gemma3TextConfig,
        GPT2Config,
        GPT2LMHeadModel,
        LlamaConfig,
        LlamaForCausalLM,
    )

    vocabulary = len(tokenizer) + PADDING_ROWS
    special: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    shape: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": D_MODEL,
        "intermediate_size": D_MLP,
        "num_hidden_layers": N_LAYERS,
        "num_attention_heads": N_HEADS,
        "num_key_value_heads": 2,
        "head_dim": D_HEAD,
        "max_position_embeddings": CONTEXT,
    }
    gpt2 = GPT2Config(
        vocab_size=vocabulary,
        n_positions=CONTEXT,
        n_embd=D_MODEL,
        n_layer=N_LAYERS,
        n_head=N_HEADS,
        n_inner=D_MLP,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        **special,
    )
    models: dict[str, Any] = {
        "gpt2": GPT2LMHeadModel(gpt2),
        "llama": LlamaForCausalLM(LlamaConfig(**shape, **special)),
        "gemma2": Gemma2ForCausalLM(Gemma2Config(**shape, **special, final_logit_softcapping=30.0)),
        "gemma3": Gemma3ForCausalLM(Gemma3TextConfig(**shape, **special)),
    }
    for name, model in models.items():
        model.config.architectures = [type(model).__name__]
        models[name] = randomise(model)
    return models


@pytest.fixture
def hf_model(hf_models: dict[str, Any]) -> Callable[[str], Any]:
    """A model of the named architecture that the test may change (TransformerBridge changes what it wraps)."""
    return lambda name: copy.deepcopy(hf_models[name])


HOOK = f"blocks.{N_LAYERS - 1}.hook_resid_pre"


@pytest.fixture
def folder(tmp_path: Path, tokenizer_folder: Path, hf_model: Callable[[str], Any], make_sae: Any) -> Path:
    """A `local:` folder: a tiny GPT-2, an SAE on its residual stream, densities and a card."""
    from safetensors.numpy import save_file

    hf_model("gpt2").save_pretrained(tmp_path / "model")
    for file in tokenizer_folder.iterdir():
        (tmp_path / "model" / file.name).write_bytes(file.read_bytes())
    make_sae(D_MODEL, HOOK, model_name="tiny").save_model(tmp_path / "sae")
    log_density = np.linspace(-4, -1, 12).astype(np.float32)
    log_density[3] = -10
    save_file({"sparsity": log_density}, tmp_path / "sae" / "sparsity.safetensors")
    (tmp_path / "sae" / "card.json").write_text('{"l0": 6.0, "variance_explained": 0.5}')
    return tmp_path


@pytest.fixture(scope="session")
def sizes() -> SimpleNamespace:
    return SimpleNamespace(d_model=D_MODEL, n_layers=N_LAYERS, n_heads=N_HEADS, d_head=D_HEAD, d_mlp=D_MLP, hook=HOOK)
