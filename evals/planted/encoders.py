"""Encoders that fire on what was planted: on a token set, right behind one, or on a set behind another.

An encoder row is Fisher's linear discriminant between the tokens of open documents that the planted hypothesis fits and
all others, from the model's activations at the hook point, with the pooled covariance shrunk a little to the identity;
the bias lets it fire on half as large a share of the tokens as the hypothesis fits. What a linear reading of the model
can tell apart decides how well it fires on them: `purity` of firings is measured on held-out documents (see `inputs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...tools.activations.documents import Corpus
from ...tools.activations.indexing import corpus_rows
from ...tools.activations.partition import OPEN
from ...tools.activations.rows import Row, padded
from ...tools.errors import UsageError
from ...tools.inputs.enrichment import encoder_model
from ...tools.inputs.matching import matches
from ...tools.inputs.spec import InputSpec, parse_input_spec
from ...tools.statistics.directions import unit_rows
from ...tools.subject.reading import read, row_start
from ...tools.subject.subject import Subject
from ...tools.workbench import Workbench
from .truth import InputKind, PlantedInput

FIT_TOKENS = 40_000
NULLS = 1 / 3
_KINDS: tuple[InputKind, ...] = ("token", "previous", "token in context")
_SHARE = (0.002, 0.05)  # of the tokens that a planted hypothesis fits
_FIRES = 0.5
_RIDGE = 0.01
_BATCH_TOKENS = 4096
_SEED = 49


@dataclass(frozen=True)
class PlantedEncoder:
    """Encoder rows (n, width) float32 of unit length, biases (n,), and what the first of them were fitted to."""

    rows: np.ndarray
    bias: np.ndarray
    inputs: tuple[PlantedInput, ...]

    def sae(self, base: Subject, decoder: np.ndarray) -> Any:
        """A sae-lens SAE with this encoder at the hook point of the base."""
        import torch
        from sae_lens import StandardSAE, StandardSAEConfig
        from sae_lens.saes.sae import SAEMetadata

        metadata = SAEMetadata(hook_name=base.hook_name, hook_name_out=base.hook_out, prepend_bos=base.prepend_bos)
        config = StandardSAEConfig(d_in=self.rows.shape[1], d_sae=len(self.rows), metadata=metadata)
        sae = StandardSAE(config)
        with torch.no_grad():
            sae.W_enc.copy_(torch.from_numpy(np.ascontiguousarray(self.rows.T)))
            sae.b_enc.copy_(torch.from_numpy(self.bias))
            sae.b_dec.zero_()
            if decoder.shape[1] == sae.W_dec.shape[1]:
                sae.W_dec.copy_(torch.from_numpy(decoder))
        return sae.to(base.device)


def fitted_encoder(base: Workbench, features: int, count: int, corpus: Corpus | None, tokens: int) -> PlantedEncoder:
    """`count` encoder rows, of which so many features have a planted or, for a third of them, no hypothesis.

    Raises UsageError for a dictionary without SAE, and where no hypothesis is frequent enough on open documents.
    """
    subject = base.subject
    if subject.sae is None:
        raise UsageError(f"{subject.name} has no SAE: inputs are planted in the encoder of one.")
    texts = list(_open_rows(corpus_rows(subject, corpus), tokens))
    values = _values(subject, texts)
    fitted = _Fitted(values)
    inputs = _drawn(base, texts, features)
    rng = np.random.default_rng([_SEED])
    rows = encoder_model(subject).sample(count, [_SEED]).numpy().astype(np.float64)
    shares = np.exp(rng.uniform(*np.log(_SHARE), size=count))
    for n, one in enumerate(inputs):
        if one.spec is not None:
            fits = matches(one.spec, texts, subject.vocabulary, base.library)
            rows[n], shares[n] = fitted.discriminant(fits), _FIRES * fits.mean()
    rows = unit_rows(rows).astype(np.float32)
    bias = np.empty(count, np.float32)
    for start in range(0, count, 256):
        part = slice(start, start + 256)
        read_off = np.sort(values @ rows[part].T, axis=0)
        at = np.round((1 - shares[part]) * len(values)).astype(int).clip(max=len(values) - 1)
        bias[part] = -read_off[at, np.arange(read_off.shape[1])]
    return PlantedEncoder(rows, bias, inputs)


class _Fitted:
    """Discriminants between some tokens and the others, from values (n, width) at all of them."""

    def __init__(self, values: np.ndarray) -> None:
        self._values, self._mean = values, values.mean(axis=0)
        covariance = np.cov(values.T.astype(np.float64))
        covariance += _RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        self._inverse = np.linalg.inv(covariance)

    def discriminant(self, fits: np.ndarray) -> np.ndarray:
        """The direction (width,) that tells tokens that fit, (n,) bool, from all."""
        return self._inverse @ (self._values[fits].mean(axis=0) - self._mean)


def _drawn(base: Workbench, texts: Sequence[np.ndarray], features: int) -> tuple[PlantedInput, ...]:
    """Hypotheses in random order, and nulls: as many features as the outputs have, in an order of their own."""
    rng = np.random.default_rng([_SEED, 1])
    vocabulary = base.subject.vocabulary
    tokens = np.concatenate(texts)
    counts = np.bincount(tokens, minlength=len(vocabulary))
    shares = {s.name: counts[base.library[s.name].ids].sum() / len(tokens) for s in base.sets if not s.derived_from}
    frequent = [name for name, share in shares.items() if _SHARE[0] <= share <= _SHARE[1]]
    wide = [name for name, share in shares.items() if share >= _SHARE[1]]
    if not frequent or not wide:
        raise UsageError("No token set is frequent enough in the open documents: index more text.")
    planted = features - round(NULLS * features)
    inputs: list[PlantedInput] = []
    while len(inputs) < planted:
        kind = _KINDS[len(inputs) % len(_KINDS)]
        spec = _spec(kind, str(rng.choice(frequent)), str(rng.choice(wide)))
        if _SHARE[0] <= matches(spec, texts, vocabulary, base.library).mean() <= _SHARE[1]:
            inputs.append(PlantedInput(kind, spec))
    inputs += [PlantedInput("null", None)] * (features - planted)
    return tuple(inputs[n] for n in rng.permutation(features))


def _spec(kind: InputKind, own: str, context: str) -> InputSpec:
    match kind:
        case "token":
            return parse_input_spec({"token": own})
        case "previous":
            return parse_input_spec({"previous": own})
        case _:
            return parse_input_spec({"all": [{"token": own}, {"previous": context}]})


def _open_rows(rows: Iterator[Row], tokens: int) -> Iterator[np.ndarray]:
    """Of the open documents among the first `tokens`, about FIT_TOKENS at most."""
    read = used = 0
    for row in rows:
        if read >= tokens or used >= FIT_TOKENS:
            return
        read += len(row.tokens)
        if row.side == OPEN:
            used += len(row.tokens)
            yield row.tokens


def _values(subject: Subject, texts: Sequence[np.ndarray]) -> np.ndarray:
    """What stands at the hook point on every token of texts, (tokens, width) float32."""
    begun, size = row_start(subject), max(1, _BATCH_TOKENS // max(map(len, texts)))
    found: list[np.ndarray] = []
    for begin in range(0, len(texts), size):
        batch = list(texts[begin : begin + size])
        (values,) = read(subject, padded(batch, begun).clip(min=0), [subject.hook_name])
        whole = values[:, len(begun) :].float().cpu().numpy()
        found += [own[: len(row)] for row, own in zip(batch, whole, strict=True)]
    return np.concatenate(found)
