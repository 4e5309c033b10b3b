"""Made-up subjects: nothing but an unembedding and a decoder."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from ..tools.errors import TseaError
from ..tools.subject import Stated
from ..tools.subject.compute import Compute
from ..tools.subject.subject import Subject
from ..tools.vocabulary import Vocabulary


def made_up_subject(name: str, unembedding: np.ndarray, decoder: np.ndarray) -> Subject:
    """A subject of an unembedding (D, V) and a decoder (F, D), float32; its tokens are numbers, it has no model."""
    tokens = tuple(map(str, range(unembedding.shape[1])))
    return Subject(
        name=name,
        hook_name="none",
        hook_out="none",
        vocabulary=Vocabulary(tokens, tokens, frozenset()),
        universe=np.arange(len(tokens)),
        convention="made up",
        unembedding=unembedding,
        decoder=decoder,
        encoder=None,
        alive=np.ones(len(decoder), dtype=bool),
        density=None,
        stated=Stated(),
        prepend_bos=True,
        hash=name,
        firing_hash=name,
        compute=Compute("cpu"),
        _load_model=_no_model,
        _load_sae=None,
    )


def _no_model() -> NoReturn:
    raise TseaError("A made-up subject has no model.")
