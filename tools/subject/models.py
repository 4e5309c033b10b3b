"""Where a subject's model comes from: the hub, a folder, or an object in memory."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import TseaError, UsageError
from ..vocabulary import Vocabulary
from . import bridge as bridges
from .checkpoint import gpt2_weights, read_checkpoint
from .compute import Compute
from .loading import loading
from .weights import ModelWeights, as_array

_WEIGHT_FILES = ("*.safetensors", "pytorch_model*.bin")


class ModelSource(Protocol):
    """A model that is loaded no further than what is asked of it.

    `options` are the dictionary's wishes about its model (sae-lens' model_from_pretrained_kwargs).
    """

    options: dict[str, Any]

    def vocabulary(self) -> Vocabulary:
        """The tokenizer's vocabulary."""
        ...

    def weights(self) -> ModelWeights:
        """What logit weights are made from."""
        ...

    def bridge(self) -> Any:
        """The running model (TransformerBridge), prepared as the options say."""
        ...


class HubModel:
    """A model of the Hugging Face hub."""

    def __init__(self, name: str, compute: Compute, options: dict[str, Any]) -> None:
        self.name, self.compute, self.options = name, compute, options

    @functools.cached_property
    def _booted(self) -> Any:
        return bridges.boot(self.name, self.compute, self.options)

    @functools.cached_property
    def _prepared(self) -> Any:
        bridges.prepare(self._booted, self.options)
        return self._booted

    def vocabulary(self) -> Vocabulary:
        return Vocabulary.from_tokenizer(self._booted.tokenizer)

    def weights(self) -> ModelWeights:
        return bridges.weights_of(self._booted)

    def bridge(self) -> Any:
        return self._prepared


class FolderModel(HubModel):
    """A model and its tokenizer saved in a folder by `save_pretrained`."""

    def __init__(self, folder: Path, compute: Compute, options: dict[str, Any]) -> None:
        super().__init__(str(folder), compute, options)
        self.folder = folder
        if not (folder / "config.json").exists() or not any(f for k in _WEIGHT_FILES for f in folder.glob(k)):
            raise UsageError(f"No model in {folder}: expected config.json and model.safetensors there.")

    def vocabulary(self) -> Vocabulary:
        with loading(f"The tokenizer in {self.folder}"):
            return Vocabulary.load(self.folder)

    def weights(self) -> ModelWeights:
        with loading(f"Model {self.folder}"):
            found = read_checkpoint(self.folder)
        return super().weights() if found is None else found


class RandomModel(FolderModel):
    """The bundled architecture with random weights recreated from a seed; `folder` holds the tokenizer."""

    def __init__(self, folder: Path, compute: Compute, options: dict[str, Any], seed: int) -> None:
        super().__init__(folder, compute, options)
        self.seed = seed

    @functools.cached_property
    def _initialised(self) -> Any:
        import torch

        from .pocket.language_model import new_model

        with torch.random.fork_rng(devices=[]):
            return new_model(self.seed)

    @functools.cached_property
    def _booted(self) -> Any:
        with loading(f"The tokenizer in {self.folder}"):
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(self.folder)
        model = self._initialised.to(self.compute.device, self.compute.dtype).eval()
        return bridges.boot(str(self.folder), self.compute, self.options, model, tokenizer)

    def weights(self) -> ModelWeights:
        tensors = self._initialised.state_dict()

        def tensor(name: str) -> np.ndarray:
            return as_array(tensors[name])

        return gpt2_weights(self._initialised.config.to_dict(), tensors.keys(), tensor)


class GivenModel:
    """A TransformerBridge, HookedTransformer or Hugging Face model that the caller holds."""

    def __init__(self, model: Any, tokenizer: Any, options: dict[str, Any]) -> None:
        self.options = options
        if not hasattr(model, "cfg"):
            name = str(getattr(model, "name_or_path", "") or type(model).__name__)
            compute = Compute(str(model.device), str(model.dtype).removeprefix("torch."))
            model = bridges.boot(name, compute, {}, model, tokenizer)
        bridges.require_prepared(model, options)
        self.model, self.tokenizer = model, tokenizer if tokenizer is not None else model.tokenizer

    @property
    def compute(self) -> Compute:
        """Where the caller's model is."""
        return Compute(str(self.model.cfg.device), str(self.model.cfg.dtype).removeprefix("torch."))

    def vocabulary(self) -> Vocabulary:
        if self.tokenizer is None:
            raise TseaError("The model has no tokenizer: pass tokenizer=.")
        return Vocabulary.from_tokenizer(self.tokenizer)

    def weights(self) -> ModelWeights:
        return bridges.weights_of(self.model)

    def bridge(self) -> Any:
        return self.model
