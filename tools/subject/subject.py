"""A subject: a model, a dictionary of directions on it, and the logit weights that follow from the two."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import TseaError, UsageError
from ..statistics.directions import DirectionModel
from ..statistics.whitening import whitened
from ..vocabulary import Vocabulary
from .compute import Compute
from .dictionaries import Dictionary, from_sae
from .fold import describe, folded_unembedding, residual_directions, universe
from .models import GivenModel, ModelSource
from .registry import Stated

# Fewer tokens leave too few open ones to hold sets and others.
MIN_UNIVERSE = 100


@dataclass(frozen=True)
class Subject:
    """What is studied. Logit weights of feature f are `decoder[f] @ unembedding`.

    `universe` (V,) int64 token ids, ascending, without padding rows, special and untrained tokens; `unembedding`
    (d_model, V) and `decoder` (n_features, d_model) float32, folded as `convention` says; `encoder` (n_features,
    width of `hook_name`) float32 where the dictionary has one; `alive` (n_features,) bool: non-zero decoder row, and
    density above zero where `density` (n_features,) is stated. Activations are read at `hook_name` and written at
    `hook_out` (another one for transcoders); rows of tokens begin with BOS where `prepend_bos`. `hash` covers weights,
    hook points, convention and universe, `firing_hash` what decides when features fire, which is the same for every
    universe. The running model and the sae-lens object are loaded when first asked for.
    """

    name: str
    hook_name: str
    hook_out: str
    vocabulary: Vocabulary
    universe: np.ndarray
    convention: str
    unembedding: np.ndarray
    decoder: np.ndarray
    encoder: np.ndarray | None
    alive: np.ndarray
    density: np.ndarray | None
    stated: Stated
    prepend_bos: bool
    hash: str
    firing_hash: str
    compute: Compute
    _load_model: Callable[[], Any] = field(repr=False)
    _load_sae: Callable[[], Any] | None = field(repr=False)

    @property
    def n_features(self) -> int:
        """Number of directions in the dictionary."""
        return self.decoder.shape[0]

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return self.decoder.shape[1]

    @functools.cached_property
    def whitened(self) -> np.ndarray:
        """The unembedding (d_model, V) whose products with directions are whitened logit weights, float32."""
        return whitened(self.unembedding)

    @functools.cached_property
    def direction_model(self) -> DirectionModel:
        """The normal model of the live rows of the dictionary: seconds at published sizes, and asked for often."""
        return DirectionModel.of_rows(self.decoder[self.alive])

    @functools.cached_property
    def model(self) -> Any:
        """The running model, a TransformerBridge (or what `from_objects` was given)."""
        return self._load_model()

    @functools.cached_property
    def sae(self) -> Any:
        """The sae-lens SAE or transcoder; None for neurons and bare directions."""
        return None if self._load_sae is None else self._load_sae()

    @property
    def device(self) -> str:
        """Torch device of the model and the SAE."""
        return self.compute.device

    @property
    def dtype(self) -> Any:
        """Torch dtype of the model and the SAE; logit weights are float32 whatever it is."""
        return self.compute.dtype

    def narrowed(self, ids: np.ndarray, description: str) -> Subject:
        """The same subject with a universe of only those of its tokens that are among `ids`, logits centred over them.

        Raises UsageError when fewer than MIN_UNIVERSE are left.
        """
        kept = np.isin(self.universe, ids)
        if kept.sum() < MIN_UNIVERSE:
            raise UsageError(
                f"The universe {description} has {int(kept.sum())} tokens of {self.name}: a ranking needs at least "
                f"{MIN_UNIVERSE}. Check spelling, case and leading spaces."
            )
        columns = np.ascontiguousarray(self.unembedding[:, kept])
        columns -= columns.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
        return replace(
            self,
            universe=self.universe[kept],
            unembedding=columns,
            convention=f"{self.convention}; universe {description}",
            hash=_content_hash(self.hash, self.universe[kept]),
        )

    @classmethod
    def from_objects(
        cls, model: Any, sae: Any, *, name: str = "objects", hook_name: str | None = None, tokenizer: Any = None
    ) -> Subject:
        """A subject from a model and a sae-lens SAE held in memory.

        `model` is a TransformerBridge, a HookedTransformer or a Hugging Face model (which TransformerBridge then
        wraps in place). `hook_name` overrides the SAE's own; `tokenizer` the model's.
        """
        dictionary = from_sae(sae, None, Stated(), hook_name)
        source = GivenModel(model, tokenizer, dictionary.model_options)
        return assemble(name, dictionary, source, source.compute)


def assemble(name: str, dictionary: Dictionary, model: ModelSource, compute: Compute) -> Subject:
    """Fold model and dictionary into a subject; raises UsageError where they do not fit each other."""
    vocabulary = model.vocabulary()
    weights = model.weights()
    decoder = residual_directions(dictionary.decoder, dictionary.hook_out, dictionary.head, weights)
    tokens = universe(weights.unembedding, vocabulary)
    if len(tokens) < 2:
        raise TseaError(f"{name} has no universe of tokens: the tokenizer and the model's unembedding do not match.")
    unembedding = folded_unembedding(weights, tokens)
    convention = describe(weights, dictionary.hook_out)
    alive = np.linalg.norm(decoder, axis=1) > 0
    if dictionary.density is not None:
        alive &= dictionary.density > 0
    identity = (dictionary.hook_name, dictionary.hook_out, convention, sorted(model.options.items()))
    content_hash = _content_hash(repr(identity), vocabulary.hash, decoder, dictionary.encoder, tokens, unembedding)
    return Subject(
        name=name,
        hook_name=dictionary.hook_name,
        hook_out=dictionary.hook_out,
        vocabulary=vocabulary,
        universe=tokens,
        convention=convention,
        unembedding=unembedding,
        decoder=np.ascontiguousarray(decoder, dtype=np.float32),
        encoder=dictionary.encoder,
        alive=alive,
        density=dictionary.density,
        stated=dictionary.stated,
        prepend_bos=dictionary.prepend_bos,
        hash=content_hash,
        firing_hash=content_hash if dictionary.prepend_bos else _content_hash(content_hash, "rows without BOS"),
        compute=compute,
        _load_model=model.bridge,
        _load_sae=dictionary.load_sae,
    )


def _content_hash(*parts: str | np.ndarray | None) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(repr((part.shape, part.dtype.str)).encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()
