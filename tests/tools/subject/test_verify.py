from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tsea.tools.errors import UsageError
from tsea.tools.subject import Stated, Subject, open_subject, verify

THRESHOLD = 0.1


def _signed_parts_sae(make_sae: Callable[..., Any], width: int, hook: str) -> Any:
    """Two features for each coordinate, its positive and its negative part, each counted only beyond a threshold."""
    sae = make_sae(width, hook, d_sae=2 * width)
    identity = torch.eye(width)
    sae.W_enc.data = torch.cat([identity, -identity], dim=1)
    sae.W_dec.data = torch.cat([identity, -identity])
    sae.b_enc.data = torch.full((2 * width,), -THRESHOLD)
    sae.b_dec.data = torch.zeros(width)
    return sae


def _rows() -> np.ndarray:
    rows = np.random.default_rng(0).integers(1, 200, size=(5, 8))
    rows[:, 0] = 0  # end-of-text as BOS
    return rows


@pytest.mark.parametrize("site", ["hook_resid_pre", "attn.hook_z"])
def test_figures_equal_those_computed_by_hand_from_text_positions(
    site: str, hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Callable[..., Any], sizes: Any
) -> None:
    hook = f"blocks.1.{site}"
    sae = _signed_parts_sae(make_sae, sizes.d_model, hook)
    subject = Subject.from_objects(hf_model("gpt2"), sae, tokenizer=tokenizer)

    found = verify(subject, _rows(), batch=2)

    with torch.no_grad():
        _, cache = subject.model.run_with_cache(torch.from_numpy(_rows()), names_filter=[hook])
    x = cache[hook].flatten(2)[:, 1:].flatten(0, 1).double().numpy()
    kept = np.sign(x) * np.maximum(np.abs(x) - THRESHOLD, 0)
    assert found.n_tokens == len(x) == 35
    assert found.l0 == pytest.approx((np.abs(x) > THRESHOLD).sum(axis=1).mean())
    explained = 1 - ((x - kept) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum()
    assert found.variance_explained == pytest.approx(explained, rel=1e-5)
    assert found.mismatches == ()


def test_figures_far_from_the_stated_ones_are_reported(
    hf_model: Callable[[str], Any], tokenizer: Any, make_sae: Callable[..., Any], sizes: Any
) -> None:
    sae = _signed_parts_sae(make_sae, sizes.d_model, sizes.hook)
    subject = Subject.from_objects(hf_model("gpt2"), sae, tokenizer=tokenizer)
    right = verify(subject, _rows())
    stated = Stated(right.l0, right.variance_explained)
    assert verify(dataclasses.replace(subject, stated=stated), _rows()).mismatches == ()
    wrong = Stated(right.l0 / 2, right.variance_explained + 0.2)
    low, high = verify(dataclasses.replace(subject, stated=wrong), _rows()).mismatches
    assert "features are active per token, stated is" in low
    assert "of the variance is explained, stated is" in high


def test_what_cannot_be_verified_is_refused(folder: Any) -> None:
    with pytest.raises(UsageError, match="has no SAE"):
        verify(open_subject(f"local:{folder}/neurons/0"), _rows())
    with pytest.raises(UsageError, match="No tokens of text"):
        verify(open_subject(f"local:{folder}"), np.zeros((2, 4), dtype=np.int64))
