"""Logit weights against TransformerLens' own processing, and against finite differences of the real model."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tsea.tools.subject import Subject, open_subject
from tsea.tools.subject.checkpoint import gpt2_weights
from tsea.tools.subject.dictionaries import from_sae
from tsea.tools.subject.fold import folded_unembedding, residual_directions
from tsea.tools.subject.registry import Stated
from tsea.tools.subject.weights import as_array


def _lens_model(hf_model: Any, *, fold: bool) -> Any:
    """HookedTransformer's old, independent conversion and processing of the same weights."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained.weight_conversions.gpt2 import convert_gpt2_weights

    config = hf_model.config
    lens_config = HookedTransformerConfig(
        n_layers=config.n_layer,
        d_model=config.n_embd,
        n_ctx=config.n_positions,
        d_head=config.n_embd // config.n_head,
        n_heads=config.n_head,
        d_mlp=config.n_inner,
        act_fn="gelu_new",
        d_vocab=config.vocab_size,
        normalization_type="LNPre" if fold else "LN",
        init_weights=False,
        device="cpu",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        lens = HookedTransformer(lens_config)
    # Without tied storage: centring W_E must not change W_U.
    state = {name: value.detach().clone() for name, value in convert_gpt2_weights(hf_model, lens.cfg).items()}
    lens.load_and_process_state_dict(
        state, fold_ln=fold, center_writing_weights=True, center_unembed=fold, fold_value_biases=fold
    )
    return lens


def _relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    return float((np.abs(found - expected).max(axis=1) / expected.std(axis=1)).max())


def _inject_residual_mean(model: Any, mean: float) -> None:
    """Give all that writes to the residual stream a large common mean, which LayerNorm removes again."""
    for name, parameter in model.named_parameters():
        if name.endswith(("wpe.weight", "c_proj.weight", "c_proj.bias")):
            parameter.data += mean


def test_logit_weights_equal_transformer_lens_folded_ones_at_gpt2_small_shapes(make_sae: Callable[..., Any]) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    n_features = 16
    torch.manual_seed(0)
    model: Any = GPT2LMHeadModel(GPT2Config(n_layer=1, n_inner=n_features, n_positions=8))
    norm, decoder = model.transformer.ln_f, model.transformer.h[0].mlp.c_proj.weight
    norm.weight.data = 1 + 0.3 * torch.randn(norm.weight.shape)
    _inject_residual_mean(model, 5.0)
    model.transformer.wte.weight.data += 0.5
    # The dictionary's directions are the MLP's too, so that TransformerLens centres them as weights that write.
    sae = make_sae(model.config.n_embd, "blocks.0.hook_resid_post", d_sae=n_features)
    sae.W_dec.data = decoder.data.clone()
    state = model.state_dict()
    weights = gpt2_weights(model.config.to_dict(), state.keys(), lambda name: as_array(state[name]))
    tokens = np.delete(np.arange(50257), [0, 17, 50256])
    dictionary = from_sae(sae, None, Stated())
    directions = residual_directions(dictionary.decoder, dictionary.hook_out, None, weights)

    found = directions @ folded_unembedding(weights, tokens)

    lens = _lens_model(model, fold=True)
    expected = (lens.blocks[0].mlp.W_out.double() @ lens.W_U.double()).detach().numpy()[:, tokens]
    expected -= expected.mean(axis=1, keepdims=True)
    assert found.shape == (n_features, 50254)
    assert _relative_error(found, expected) < 1e-4
    # Gain and centring matter here: without them the result is another one.
    raw = as_array(decoder) @ as_array(model.lm_head.weight).T[:, tokens]
    assert _relative_error(raw - raw.mean(axis=1, keepdims=True), expected) > 0.1


def test_weights_processed_by_either_class_of_transformer_lens_give_the_same_subject(
    hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Callable[..., Any], sizes: Any
) -> None:
    from transformer_lens.model_bridge import TransformerBridge

    sae = make_sae(sizes.n_heads * sizes.d_head, "blocks.1.attn.hook_z")
    raw = Subject.from_objects(hf_model("gpt2"), sae, tokenizer=tokenizer)
    lens = Subject.from_objects(_lens_model(hf_model("gpt2"), fold=True), sae, tokenizer=tokenizer)
    bridge = TransformerBridge.boot_transformers("tiny", hf_model=hf_model("gpt2"), tokenizer=tokenizer, device="cpu")
    bridge.enable_compatibility_mode(disable_warnings=True)
    processed = Subject.from_objects(bridge, sae)
    expected = raw.decoder @ raw.unembedding
    assert raw.universe.tolist() == list(range(1, len(tokenizer)))
    for other in (lens, processed):
        assert _relative_error(other.decoder @ other.unembedding, expected) < 1e-4


def test_the_models_activations_are_centred_when_the_dictionary_asks_for_it(
    folder: Path, hf_model: Callable[[str], Any], sizes: Any
) -> None:
    model = hf_model("gpt2")
    _inject_residual_mean(model, 20.0)
    model.save_pretrained(folder / "model")
    config = (folder / "sae" / "cfg.json").read_text()
    assert "model_from_pretrained_kwargs" not in config
    asked = config.replace(
        '"model_name"', '"model_from_pretrained_kwargs": {"center_writing_weights": true}, "model_name"'
    )
    (folder / "sae" / "cfg.json").write_text(asked)
    subject = open_subject(f"local:{folder}", device="cpu")
    ids = torch.arange(1, 11)[None]

    _, cache = subject.model.run_with_cache(ids, names_filter=[sizes.hook])

    lens = _lens_model(model, fold=False)
    _, expected = lens.run_with_cache(ids, names_filter=[sizes.hook])
    assert cache[sizes.hook].mean(-1).abs().max() < 1e-3
    torch.testing.assert_close(cache[sizes.hook], expected[sizes.hook], rtol=1e-4, atol=1e-3)


class _Frozen:
    """A double-precision copy of a real RMSNorm model whose last norms divide by the scale of the unchanged run."""

    def __init__(self, model: Any, tokens: torch.Tensor) -> None:
        self.model, self.tokens = copy.deepcopy(model).double(), tokens
        self.last = self.model.model.layers[-1]
        self.offset = float("Gemma" in type(model).__name__)
        self.has_norm_after = hasattr(self.last, "post_feedforward_layernorm")
        self.after_attention = self.last.post_attention_layernorm if self.has_norm_after else None
        self.after_mlp = getattr(self.last, "post_feedforward_layernorm", None)
        norms = [norm for norm in (self.model.model.norm, self.after_attention, self.after_mlp) if norm is not None]
        self.scales: dict[int, torch.Tensor] = {}
        handles = [norm.register_forward_hook(self._record) for norm in norms]
        handles.append(self.last.mlp.register_forward_hook(self._record_output))
        self.clean = self._logits()
        for handle in handles:
            handle.remove()
        for norm in norms:
            norm.forward = self._with_frozen_scale(norm)

    def _record(self, norm: Any, inputs: Any, output: Any) -> None:
        epsilon = getattr(norm, "eps", None) or norm.variance_epsilon
        self.scales[id(norm)] = (inputs[0].pow(2).mean(-1, keepdim=True) + epsilon).rsqrt()

    def _record_output(self, module: Any, inputs: Any, output: torch.Tensor) -> None:
        self.mlp_output = output

    def _with_frozen_scale(self, norm: Any) -> Callable[[torch.Tensor], torch.Tensor]:
        return lambda x: x * self.scales[id(norm)] * (self.offset + norm.weight)

    def _logits(self) -> torch.Tensor:
        with torch.no_grad():
            logits = self.model(self.tokens).logits[0]
        cap = getattr(self.model.config, "final_logit_softcapping", None)
        return logits if cap is None else cap * torch.atanh(logits / cap)

    def effect(self, site: str, direction: np.ndarray) -> torch.Tensor:
        """Change of the logits (tokens, vocabulary) before any soft cap when `direction` is added at `site`."""
        added = torch.from_numpy(direction).double()
        handles = [self._adding_hook(site, added)]
        if site.startswith("attn"):  # the direct effect leaves the MLP as it was
            handles.append(self.last.mlp.register_forward_hook(lambda *_: self.mlp_output))
        try:
            return self._logits() - self.clean
        finally:
            for handle in handles:
                handle.remove()

    def _adding_hook(self, site: str, added: torch.Tensor) -> Any:
        def to_input(module: Any, inputs: Any) -> Any:
            return (inputs[0] + added, *inputs[1:])

        def to_output(module: Any, inputs: Any, output: Any) -> Any:
            return (output[0] + added, *output[1:]) if isinstance(output, tuple) else output + added

        inputs = {"attn.hook_z": self.last.self_attn.o_proj, "mlp.hook_post": self.last.mlp.down_proj}
        if site in inputs:
            return inputs[site].register_forward_pre_hook(to_input)
        outputs = {
            "hook_resid_post": self.last,
            "mlp.hook_out": self.last.mlp,
            "hook_mlp_out": self.after_mlp if self.has_norm_after else self.last.mlp,
        }
        return outputs[site].register_forward_hook(to_output)

    def scale(self, site: str) -> torch.Tensor:
        """What the frozen norms multiply by (tokens, 1), which logit weights leave out."""
        scale = self.scales[id(self.model.model.norm)][0]
        if not self.has_norm_after or site.startswith("hook_"):
            return scale
        norm = self.after_attention if site.startswith("attn") else self.after_mlp
        return scale * self.scales[id(norm)][0]


@pytest.mark.parametrize("site", ["hook_resid_post", "hook_mlp_out", "mlp.hook_out", "mlp.hook_post", "attn.hook_z"])
@pytest.mark.parametrize("architecture", ["llama", "gemma2", "gemma3"])
def test_logit_weights_are_the_direct_effect_on_a_real_rmsnorm_model(
    architecture: str,
    site: str,
    hf_models: dict[str, Any],
    hf_model: Callable[[str], Any],
    tokenizer: Any,
    make_sae: Callable[..., Any],
    sizes: Any,
) -> None:
    widths = {"attn.hook_z": sizes.n_heads * sizes.d_head, "mlp.hook_post": sizes.d_mlp}
    sae = make_sae(widths.get(site, sizes.d_model), f"blocks.{sizes.n_layers - 1}.{site}", d_sae=3)
    subject = Subject.from_objects(hf_model(architecture), sae, tokenizer=tokenizer)
    frozen = _Frozen(hf_models[architecture], torch.tensor([[0, 5, 9, 100, 42]]))

    logit_weights = subject.decoder @ subject.unembedding
    for feature in range(3):
        change = frozen.effect(site, as_array(sae.W_dec)[feature])[:, subject.universe]
        change = (change - change.mean(dim=1, keepdim=True)) / frozen.scale(site)
        for position in change.numpy():
            np.testing.assert_allclose(logit_weights[feature], position, rtol=1e-4, atol=1e-5 * np.abs(position).max())
    assert ("soft cap of 30" in subject.convention) == (architecture == "gemma2")


@pytest.mark.parametrize("architecture", ["gemma2", "gemma3"])
def test_mlp_outputs_are_read_behind_the_norm_after_the_block(
    architecture: str,
    hf_models: dict[str, Any],
    hf_model: Callable[[str], Any],
    tokenizer: Any,
    make_sae: Any,
    sizes: Any,
) -> None:
    hook = f"blocks.{sizes.n_layers - 1}.hook_mlp_out"
    subject = Subject.from_objects(hf_model(architecture), make_sae(sizes.d_model, hook), tokenizer=tokenizer)
    ids = torch.tensor([[0, 5, 9, 100]])
    seen: list[torch.Tensor] = []
    real = copy.deepcopy(hf_models[architecture])
    real.model.layers[-1].post_feedforward_layernorm.register_forward_hook(lambda m, i, output: seen.append(output))
    with torch.no_grad():
        real(ids)
        _, cache = subject.model.run_with_cache(ids, names_filter=[hook])
    torch.testing.assert_close(cache[hook], seen[0], rtol=1e-4, atol=1e-4)
