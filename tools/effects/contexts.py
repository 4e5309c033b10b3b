"""What a model is run on to see effects: texts that somebody gives, or contexts of the open part of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..activations.part import Context, explore
from ..activations.store import NO_FIRINGS, ActivationStore
from ..activations.texts import rows
from ..errors import UsageError
from ..phrases import number_of
from ..subject.subject import Subject

SEED = 31


@dataclass(frozen=True)
class Contexts:
    """Windows of token ids of text (int64), where each comes from, and what is to be said about them."""

    windows: list[np.ndarray]
    sources: list[str]
    notes: list[str] = field(default_factory=list)


def given_texts(subject: Subject, texts: Sequence[str]) -> Contexts:
    """Texts in windows of the subject's context; notes name those that take several.

    Raises UsageError without texts and for a text of fewer than 2 tokens, in which nothing follows anything.
    """
    if not texts:
        raise UsageError("No text was given: pass at least one.")
    found = Contexts([], [])
    for number, text in enumerate(texts, start=1):
        windows = rows(subject, text) if text.strip() else []
        count = sum(map(len, windows))
        if count < 2:
            has = f"has {number_of(count, 'token')}" if count else "is empty"
            raise UsageError(f"Text {number} {has}: give at least 2 tokens, so that one follows another.")
        found.windows.extend(windows)
        found.sources.extend([f"text {number}"] * len(windows))
        if len(windows) > 1:
            width = len(windows[0])
            found.notes.append(f"Text {number} has {count} tokens: read in {len(windows)} windows of up to {width}.")
    return found


def random_contexts(subject: Subject, store: ActivationStore, count: int) -> Contexts:
    """Up to `count` contexts of the index's open part, the same ones each time."""
    part = explore(store, subject.vocabulary.special)
    long_enough = part.rows[part.row_lengths(part.rows) >= 2]
    if not len(long_enough):
        raise UsageError("The open part of the index holds no text: index more documents, or give some with --text.")
    drawn = np.sort(np.random.default_rng(SEED).choice(long_enough, min(count, len(long_enough)), replace=False))
    return _of_index([part.context(part.row(row)[0], NO_FIRINGS) for row in drawn.tolist()])


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
    of_rows = store.rows.of(firings.positions[order])
    first = np.sort(np.unique(of_rows, return_index=True)[1])[:count]
    return _of_index([part.context(int(position), firings) for position in firings.positions[order[first]]])


def largest_activation(subject: Subject, store: ActivationStore, feature: int) -> float:
    """A feature's largest activation on the open part of the index; raises UsageError where it never fires there."""
    largest = explore(store, subject.vocabulary.special).summary(feature).max
    if largest is None:
        raise UsageError(
            f"Feature {feature} never fires on the open part of the index, so nothing says how strong it gets: give "
            "an activation with --scale."
        )
    return largest


def _of_index(found: list[Context]) -> Contexts:
    return Contexts([context.tokens for context in found], [f"document {context.document}" for context in found])
