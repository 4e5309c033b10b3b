"""What features do on a text that somebody gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..errors import UsageError, shortened
from ..subject.reading import bos, feature_activations
from ..subject.subject import Subject
from ..vocabulary import read_back
from .part import Part
from .rows import context_of, padded, windows


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
    strongest = np.zeros(subject.n_features, np.float32)
    wanted = None if token is None else _ids(subject, token)
    seen: set[int] = set()
    for tokens, found in _windows(subject, text):
        at = slice(None) if wanted is None else np.isin(tokens, wanted)
        seen.update(tokens[at].tolist())
        strongest = np.maximum(strongest, found[at].max(axis=0, initial=0))
    if not seen:
        tokens = np.concatenate([tokens for tokens, _ in _rows(subject, text)])[:20].tolist()
        there = " ".join(subject.vocabulary.shown(t) for t in tokens)
        raise UsageError(f"The token {token!r} is not in the text. Its tokens (spaces as \u2423): {there}")
    maxima = part.totals.maxima
    normalised = np.divide(strongest, maxima, out=np.full(len(maxima), np.nan, np.float32), where=maxima > 0)
    firing = np.flatnonzero(strongest > 0)
    order = firing[np.argsort(-np.nan_to_num(normalised[firing], nan=-1.0), kind="stable")][:most]
    return Found(order, strongest[order], normalised[order])


def _rows(subject: Subject, text: str) -> Iterator[tuple[np.ndarray, int]]:
    for start, tokens in windows(subject, text, context_of(subject) - 1):
        yield tokens, start


def _windows(subject: Subject, text: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Tokens of each row of a text and the activations of every feature at them, float32."""
    empty = True
    for tokens, _ in _rows(subject, text):
        empty = False
        found = feature_activations(subject, padded([tokens], bos(subject)))[0, 1:]
        yield tokens, found.float().cpu().numpy()
    if empty:
        raise UsageError("The text has no token: give some text.")


def _ids(subject: Subject, token: str) -> list[int]:
    ids = subject.vocabulary.ids_of_text.get(read_back(token), ())
    if not ids:
        raise UsageError(
            f"{shortened(repr(token))} is no token of {subject.name}: write it as the text has it, with its space."
        )
    return list(ids)
