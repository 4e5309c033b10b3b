"""Small dictionaries for tests of what is done with them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def make_sae() -> Callable[..., Any]:
    """Build a sae-lens SAE with random weights: make_sae(d_in, hook_name, d_sae=..., normalize=..., **metadata)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from sae_lens.saes.sae import SAEMetadata
        from sae_lens.saes.standard_sae import StandardSAE, StandardSAEConfig

    def make(d_in: int, hook_name: str, *, d_sae: int = 12, normalize: Any = "none", **metadata: Any) -> Any:
        generator = torch.Generator().manual_seed(1)
        config = StandardSAEConfig(
            d_in=d_in,
            d_sae=d_sae,
            normalize_activations=normalize,
            metadata=SAEMetadata(hook_name=hook_name, **metadata),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sae = StandardSAE(config)
        for parameter in sae.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
        return sae

    return make
