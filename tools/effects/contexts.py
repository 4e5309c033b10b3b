"""What a model is run on to see effects: texts that somebody gives, or contexts of the open part of an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..activations.activity import Activity
from ..activations.part import Context, Part
from ..activations.store import NO_FIRINGS
from ..activations.texts import rows
from ..errors import UsageError
from ..phrases import number_of
from ..subject.subject import Subject

SEED = 31
CONTEXTS = 8  # of the index, where nobody says how many


@dataclass(frozen=True)
class Contexts:
    """Windows of token ids of text (int64), where each comes from, and what is to be said about them."""

    windows: list[np.ndarray]
    sources: list[str]
    notes: list[str] = field(default_factory=list)


def contexts_to_steer(activity: Activity, texts: Sequence[str] | None, count: int | None) -> Contexts:
    """Texts, or without any random contexts of the index, CONTEXTS unless `count` says how many.

    Raises UsageError for texts beside a count, and as `given_texts` and `random_contexts` do.
    """
    require_one(texts, count)
    return given_texts(activity.subject, texts) if texts else random_contexts(activity.part, count or CONTEXTS)


def contexts_to_ablate(activity: Activity, feature: int, texts: Sequence[str] | None, count: int | None) -> Contexts:
    """The same with the contexts in which the feature fires most; raises UsageError as `strongest_contexts` too."""
    require_one(texts, count)
    if texts:
        return given_texts(activity.subject, texts)
    return strongest_contexts(activity.part, feature, count or CONTEXTS)


def require_one(texts: Sequence[str] | None, count: int | None) -> None:
    """Raise UsageError where texts and a number of contexts are both given."""
    if texts and count is not None:
        raise UsageError("--contexts counts contexts of the index and --text gives texts instead: use one of them.")


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


def random_contexts(part: Part, count: int) -> Contexts:
    """Up to `count` contexts of the index's open part, the same ones each time."""
    long_enough = part.rows[part.row_lengths(part.rows) >= 2]
    if not len(long_enough):
        raise UsageError("The open part of the index holds no text: index more documents, or give some with --text.")
    drawn = np.sort(np.random.default_rng(SEED).choice(long_enough, min(count, len(long_enough)), replace=False))
    return _of_index([part.context(part.row(row)[0], NO_FIRINGS) for row in drawn.tolist()])


def strongest_contexts(part: Part, feature: int, count: int) -> Contexts:
    """Up to `count` contexts of the index's open part in which a feature fires most, one of each row.

    Raises UsageError where it never fires there.
    """
    firings = part.firings(feature)
    if not len(firings.values):
        raise UsageError(
            f"Feature {feature} never fires on the open part of the index: choose another one, or give texts with "
            "--text."
        )
    positions = firings.positions[np.argsort(-firings.values, kind="stable")]
    row_starts = positions - part.places(positions)
    first = np.sort(np.unique(row_starts, return_index=True)[1])[:count]
    return _of_index([part.context(int(position), firings) for position in positions[first]])


def largest_activation(part: Part, feature: int) -> float:
    """A feature's largest activation on the open part of the index; raises UsageError where it never fires there."""
    largest = part.summary(feature).max
    if largest is None:
        raise UsageError(
            f"Feature {feature} never fires on the open part of the index, so nothing says how strong it gets: give "
            "an activation with --scale."
        )
    return largest


def _of_index(found: list[Context]) -> Contexts:
    return Contexts([context.tokens for context in found], [f"document {context.document}" for context in found])
