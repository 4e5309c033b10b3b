"""What a model is run on to see effects: texts that somebody gives, or contexts of the open part of an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..activations.part import Context, explore
from ..activations.rows import context_of, rows_of
from ..activations.store import ActivationStore
from ..errors import UsageError
from ..subject.subject import Subject

SEED = 31


@dataclass(frozen=True)
class Contexts:
    """Windows of token ids (int64, without BOS), where each comes from, and what is to be said about them."""

    windows: list[np.ndarray]
    sources: list[str]
    notes: list[str] = field(default_factory=list)


def given_texts(subject: Subject, texts: Sequence[str]) -> Contexts:
    """Texts in windows of the subject's context; notes name those that take several.

    Raises UsageError without texts and for a text of fewer than 2 tokens, in which nothing follows anything.
    """
    if not texts:
        raise UsageError("No text was given: pass at least one.")
    width = context_of(subject) - 1
    found = Contexts([], [])
    counts = np.zeros(len(texts), np.int64)
    for row in rows_of(subject, _Given(texts)):
        counts[row.document] += len(row.tokens)
        found.windows.append(row.tokens)
        found.sources.append(f"text {row.document + 1}")
    for number, (text, count) in enumerate(zip(texts, counts.tolist(), strict=True), start=1):
        if count < 2 or not text.strip():
            has = f"has {count} token{'s' * (count != 1)}" if text.strip() else "is empty"
            raise UsageError(f"Text {number} {has}: give at least 2 tokens, so that one follows another.")
        if count > width:
            windows = -(-count // width)
            found.notes.append(f"Text {number} has {count} tokens: read in {windows} windows of up to {width}.")
    return found


def random_contexts(subject: Subject, store: ActivationStore, count: int) -> Contexts:
    """Up to `count` contexts of the index's open part, the same ones each time."""
    part = explore(store, subject.vocabulary.special)
    rows = part.rows[np.diff(store.rows.starts)[part.rows] >= 2]
    if not len(rows):
        raise UsageError("The open part of the index holds no text: index more documents, or give some with --text.")
    drawn = np.sort(np.random.default_rng(SEED).choice(rows, min(count, len(rows)), replace=False))
    firings = part.firings(0)  # of no matter which feature: only the tokens are asked for
    return _of_index([part.context(int(store.rows.starts[row]), firings) for row in drawn])


def strongest_contexts(subject: Subject, store: ActivationStore, feature: int, count: int) -> Contexts:
    """Up to `count` contexts of the index's open part in which a feature fires most, one of each row.

    Raises UsageError where it never fires there.
    """
    part = explore(store, subject.vocabulary.special)
    firings = part.firings(feature)
    if not len(firings.values):
        raise UsageError(
            f"Feature {feature} never fires on the open part of the index: choose another one, or give texts with "
            "--text."
        )
    order = np.argsort(-firings.values, kind="stable")
    rows = store.rows.of(firings.positions[order])
    first = np.sort(np.unique(rows, return_index=True)[1])[:count]
    return _of_index([part.context(int(position), firings) for position in firings.positions[order[first]]])


def largest_activation(subject: Subject, store: ActivationStore, feature: int) -> float:
    """A feature's largest activation on the open part of the index; raises UsageError where it never fires there."""
    largest = explore(store, subject.vocabulary.special).stats(feature).max
    if largest is None:
        raise UsageError(
            f"Feature {feature} never fires on the open part of the index, so nothing says how strong it gets: give "
            "an activation with --scale."
        )
    return largest


def _of_index(found: list[Context]) -> Contexts:
    return Contexts([context.tokens for context in found], [f"document {context.document}" for context in found])


class _Given:
    """Texts as a corpus."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts

    @property
    def identity(self) -> str:
        return repr(self._texts)

    def documents(self) -> Iterator[str]:
        return iter(self._texts)
