"""Subjects of known truth on top of any model: its tokens, unembedding and activations, and a planted dictionary.

sae-lens' `synthetic` module is not used: its activations are sums of made-up vectors, without tokens, text or an
unembedding, so that no token set could be promoted or fired on. Its StandardSAE carries the planted encoder.
"""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from ...tools.activations.documents import Corpus
from ...tools.activations.indexing import index_corpus
from ...tools.statistics.directions import ROWS_PER_DIMENSION
from ...tools.workbench import Workbench
from .directions import Background, background_rows, planted_part
from .encoders import PlantedEncoder, fitted_encoder
from .token_sets import KINDS, SetPool
from .truth import Planted, PlantedOutput

STRENGTHS = (4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
TOKENS = 80_000  # half of them held-out, three eighths open
NULLS = 1 / 3  # share of the features in which nothing is planted
_SEED = 48


def plant(
    base: Workbench,
    background: Background,
    features: int,
    *,
    inputs: bool = False,
    corpus: Corpus | None = None,
    tokens: int = TOKENS,
) -> Planted:
    """A subject with so many features of known truth, in the workbench of its own, with the base's library and cache.

    With `inputs` they fire on what is planted too, and an index is made of the first `tokens` of a corpus (None: of the
    bundled text). Raises UsageError where inputs are asked for and nothing encodes, or no text is there.
    """
    subject = base.subject
    outputs = planted_outputs(base, features)
    count = max(features, ROWS_PER_DIMENSION * subject.d_model)
    rows = background_rows(subject, background, count)
    rows[:features] += np.array([one.part for one in outputs])
    decoder = rows.astype(np.float32)
    encoder = fitted_encoder(base, features, count, corpus, tokens) if inputs else None
    name = f"{subject.name}+planted on {background}"
    identity = _hash(subject.hash, decoder, encoder)
    planted = dataclasses.replace(
        subject,
        name=name,
        decoder=decoder,
        encoder=None if encoder is None else encoder.rows,
        alive=np.ones(count, bool),
        density=None,
        hash=identity,
        firing_hash=identity,
        _load_sae=None if encoder is None else lambda: encoder.sae(subject, decoder),
    )
    if encoder is not None:
        index_corpus(planted, corpus, tokens, base.progress)
    workbench = Workbench(planted, base.library, base.skipped_families, cache=base.cache, progress=base.progress)
    return Planted(workbench, background, outputs, () if encoder is None else encoder.inputs)


def planted_outputs(base: Workbench, features: int) -> tuple[PlantedOutput, ...]:
    """What so many features promote: kinds at every strength in turn, and nulls; the same each time."""
    rng, pool = np.random.default_rng([_SEED]), SetPool(base)
    outputs: list[PlantedOutput] = []
    for n in range(features - round(NULLS * features)):
        kind, strength = KINDS[n % len(KINDS)], STRENGTHS[n // len(KINDS) % len(STRENGTHS)]
        sets = pool.draw(kind, rng)
        part = planted_part(base.subject, [one.ids for one in sets], strength)
        outputs.append(PlantedOutput(kind, strength, sets, part))
    nothing = PlantedOutput("null", 0.0, (), np.zeros(base.subject.d_model))
    return (*outputs, *[nothing] * (features - len(outputs)))


def _hash(base: str, decoder: np.ndarray, encoder: PlantedEncoder | None) -> str:
    digest = hashlib.blake2b(base.encode(), digest_size=16)
    for array in (decoder,) if encoder is None else (decoder, encoder.rows, encoder.bias):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
