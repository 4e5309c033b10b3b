"""What features do on a text that somebody gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..errors import UsageError, shortened
from ..subject.reading import feature_activations, row_start
from ..subject.subject import Subject
from ..vocabulary import read_back
from .part import Part
from .rows import padded, width_of, windows

_NAMED = 20  # tokens of a text that a message lists


class Activated(NamedTuple):
    """Token ids of a text (n,), activations (n, features), and into how many rows of the model the text was cut."""

    tokens: np.ndarray
    activations: np.ndarray
    windows: int


class Found(NamedTuple):
    """Features with their activation, and that over the feature's maximum on the index (NaN: it never fires there)."""

    features: np.ndarray
    activations: np.ndarray
    normalised: np.ndarray


def activate(subject: Subject, text: str, features: np.ndarray) -> Activated:
    """Activations of features at every token of a text.

    Raises UsageError for a text without tokens and for bare directions.
    """
    read = [(tokens, found[:, features]) for tokens, found in _windows(subject, text)]
    return Activated(np.concatenate([t for t, _ in read]), np.concatenate([a for _, a in read]), len(read))


def find(subject: Subject, part: Part, text: str, token: str | None, most: int) -> Found:
    """The features that fire most in a text, or at a token of it, relative to their maximum on the part.

    Raises UsageError as `activate` does, and for a token that is not in the text.
    """
    wanted = None if token is None else _ids(subject, text, token)
    strongest = np.zeros(subject.n_features, np.float32)
    for tokens, found in _windows(subject, text):
        at = slice(None) if wanted is None else np.isin(tokens, wanted)
        strongest = np.maximum(strongest, found[at].max(axis=0, initial=0))
    maxima = part.totals.maxima
    normalised = np.divide(strongest, maxima, out=np.full(len(maxima), np.nan, np.float32), where=maxima > 0)
    firing = np.flatnonzero(strongest > 0)
    order = firing[np.argsort(-np.nan_to_num(normalised[firing], nan=-1.0), kind="stable")][:most]
    return Found(order, strongest[order], normalised[order])


def rows(subject: Subject, text: str) -> list[np.ndarray]:
    """The tokens of each row that a text is cut into; raises UsageError for a text without any."""
    found = [tokens for _, tokens in windows(subject, text, width_of(subject))]
    if not found:
        raise UsageError("The text has no token: give some text.")
    return found


def _windows(subject: Subject, text: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tokens of each row of a text and the activations of every feature at them, float32."""
    begun = row_start(subject)
    for tokens in rows(subject, text):
        found = feature_activations(subject, padded([tokens], begun))[0, len(begun) :]
        yield tokens, found.float().cpu().numpy()


def _ids(subject: Subject, text: str, token: str) -> list[int]:
    """Ids of a token that is written as tsea shows it or as the text has it, with its space."""
    there = np.concatenate(rows(subject, text)).tolist()
    ids = subject.vocabulary.ids_of_text.get(read_back(token), ())
    if not set(ids) & set(there):
        names = list(dict.fromkeys(subject.vocabulary.shown(one) for one in there))
        more = " ..." if len(names) > _NAMED else ""
        raise UsageError(
            f"No token of the text is {shortened(token)}. Its tokens (\u2423 is a space): "
            f"{' '.join(names[:_NAMED])}{more}"
        )
    return list(ids)
