from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tsea.tools.errors import TseaError, UsageError
from tsea.tools.subject import Subject


def test_a_transcoder_reads_at_one_hook_and_writes_at_another(
    hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Callable[..., Any], sizes: Any
) -> None:
    sae = make_sae(sizes.d_model, "blocks.1.ln2.hook_normalized", hook_name_out="blocks.1.mlp.hook_out")
    subject = Subject.from_objects(hf_model("gemma2"), sae, tokenizer=tokenizer)
    gain = 1 + hf_model("gemma2").model.layers[1].post_feedforward_layernorm.weight.detach().numpy()
    assert (subject.hook_name, subject.hook_out) == ("blocks.1.ln2.hook_normalized", "blocks.1.mlp.hook_out")
    np.testing.assert_allclose(subject.decoder, sae.W_dec.detach().numpy() * gain, rtol=1e-5)


def test_changing_the_sae_afterwards_changes_nothing_in_the_subject(
    hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Callable[..., Any], sizes: Any
) -> None:
    sae = make_sae(sizes.d_model, sizes.hook)
    subject = Subject.from_objects(hf_model("llama"), sae, tokenizer=tokenizer)
    before = subject.decoder.copy()
    sae.W_dec.data.zero_()
    np.testing.assert_array_equal(subject.decoder, before)


def test_the_hook_point_can_be_given(
    hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Callable[..., Any], sizes: Any
) -> None:
    sae = make_sae(sizes.d_model, "")
    with pytest.raises(TseaError, match="does not say which hook point"):
        Subject.from_objects(hf_model("llama"), sae, tokenizer=tokenizer)
    subject = Subject.from_objects(hf_model("llama"), sae, hook_name=sizes.hook, tokenizer=tokenizer)
    assert subject.hook_name == sizes.hook


def test_a_model_that_lacks_the_centring_its_sae_needs_is_refused_with_the_call_that_mends_it(
    hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Callable[..., Any], sizes: Any
) -> None:
    from transformer_lens.model_bridge import TransformerBridge

    sae = make_sae(sizes.d_model, sizes.hook, model_from_pretrained_kwargs={"center_writing_weights": True})
    bridge = TransformerBridge.boot_transformers("tiny", hf_model=hf_model("gpt2"), tokenizer=tokenizer, device="cpu")
    with pytest.raises(UsageError, match="enable_compatibility_mode"):
        Subject.from_objects(bridge, sae)
    bridge.enable_compatibility_mode(
        disable_warnings=True, fold_ln=False, center_unembed=False, fold_value_biases=False
    )
    subject = Subject.from_objects(bridge, sae)
    assert subject.model is bridge
    assert (subject.device, subject.dtype) == ("cpu", torch.float32)
