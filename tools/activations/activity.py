"""What the features of one subject do on text: every question about it, over the explore side of an index."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, get_args

import numpy as np

from ..errors import UsageError
from ..features import require_feature, select_features
from ..progress import Progress, silent
from ..results import (
    ExampleKind,
    ExampleRow,
    FiringSummary,
    FoundFeature,
    MinimalPair,
    NeighbourRow,
    PositionRow,
    TextActivations,
    finite,
)
from ..statistics.directions import nearest_rows, nearest_to
from ..subject.next_token import next_log_probs
from ..subject.reading import row_start
from ..subject.subject import Subject
from . import examples, texts
from .cofiring import cofiring
from .indexing import open_index
from .minimal_pairs import minimal_pair
from .negatives import negatives
from .part import Context, Part, explore
from .position import position_profile
from .rows import padded
from .store import Firings

EXAMPLE_KINDS: tuple[ExampleKind, ...] = get_args(ExampleKind)
# From contexts and the token behind the position of each (None: none) to a change of that token's loss, in nats.
LossChanges = Callable[[Sequence[Context], Sequence[int | None]], Sequence[float | None]]


def example_kinds(names: Sequence[str] | None) -> tuple[ExampleKind, ...]:
    """Kinds of examples by name, all without names; raises UsageError."""
    for name in names or ():
        if name not in EXAMPLE_KINDS:
            raise UsageError(f"No kind of example {name!r}: there are {', '.join(EXAMPLE_KINDS)}.")
    return tuple(kind for kind in EXAMPLE_KINDS if not names or kind in names)


class Activity:
    """A subject beside the explore side of its index, opened (for pocket subjects: made) at the first question.

    `lock` is held while the model runs, for those who run it elsewhere too.
    """

    def __init__(
        self, subject: Subject, progress: Progress = silent, lock: AbstractContextManager[Any] | None = None
    ) -> None:
        self.subject = subject
        self._progress = progress
        self._lock = lock or threading.RLock()

    @functools.cached_property
    def part(self) -> Part:
        """The open side of the index."""
        return explore(open_index(self.subject, self._progress), self.subject.vocabulary.special)

    def select(self, selector: str) -> np.ndarray:
        """Feature indices of numbers, ranges and lists; raises UsageError for selectors that need logit weights."""

        def refuse(_: str) -> np.ndarray:
            raise UsageError(f"Cannot select {selector!r} here: give numbers, a range (0-63) or a list (3,9,40-50).")

        return select_features(selector, self.subject.n_features, refuse)

    def summary(self, feature: int) -> FiringSummary:
        """How often and how much a feature fires."""
        return self.part.summary(self._checked(feature))

    def examples(
        self,
        feature: int,
        kinds: Iterable[ExampleKind] = EXAMPLE_KINDS,
        count: int = 5,
        loss_changes: LossChanges | None = None,
    ) -> Iterator[ExampleRow]:
        """Contexts of a feature, up to `count` of each kind: of the tenths together, of each source of negatives.

        Tokens around the firing one, with activations; the token that follows it in the text and what the model thought
        of that one, and how `loss_changes` says that this changes.
        """
        with self._lock:
            firings = self.part.firings(self._checked(feature))
            chosen = list(self._chosen(feature, firings, list(kinds), count))
            contexts = [self.part.context(one.position, firings) for _, _, one in chosen]
            following = [self.part.following(one.position) for _, _, one in chosen]
            log_probs = self._log_probs(contexts, following)
            changes = [None] * len(chosen) if loss_changes is None else loss_changes(contexts, following)
        for (kind, source, one), context, token, log_prob, change in zip(
            chosen, contexts, following, log_probs, changes, strict=True
        ):
            first, last = max(0, context.position - examples.BEFORE), context.position + examples.AFTER + 1
            yield ExampleRow(
                feature=feature,
                kind=kind,
                source=source,
                tokens=self._shown(context.tokens[first:last]),
                activations=[float(value) for value in context.activations[first:last]],
                position=context.position - first,
                count=one.count,
                document=context.document,
                next_token=None if token is None else self.subject.vocabulary.shown(token),
                next_log_prob=log_prob,
                loss_change=change,
            )

    def minimal_pairs(self, feature: int, count: int = 5) -> Iterator[MinimalPair]:
        """Different contexts of a feature, up to `count`, each with the token whose replacement changes most there.

        Progress is reported before every run of the model.
        """
        with self._lock:
            firings = self.part.firings(self._checked(feature))
            chosen = examples.diverse(self.part, firings, self.subject.vocabulary, count)
        for number, one in enumerate(chosen):
            step = functools.partial(self._progress, "contexts edited", number, len(chosen))
            with self._lock:
                context = self.part.context(one.position, firings)
                pair = minimal_pair(self.subject, feature, context, one.count, step)
            if pair is not None:
                yield pair
        self._progress("contexts edited", len(chosen), len(chosen))

    def windows(self, text: str) -> int:
        """How many rows of the model a text is cut into: more than one where it is longer than the context."""
        return len(texts.rows(self.subject, text))

    def activate(self, texts_given: Sequence[str], features: np.ndarray) -> Iterator[TextActivations]:
        """Activations of features at every token of texts, one result for each text and feature."""
        for number, text in enumerate(texts_given):
            self._progress("texts read", number, len(texts_given))
            with self._lock:
                found = texts.activate(self.subject, text, features)
            for feature, values in zip(features.tolist(), found.activations.T, strict=True):
                yield TextActivations(
                    feature=feature,
                    tokens=self._shown(found.tokens),
                    activations=[float(value) for value in values],
                    windows=found.windows,
                )

    def find(self, text: str, token: str | None = None, most: int = 20) -> list[FoundFeature]:
        """The features that fire most in a text or at one token of it, relative to their maximum on the index."""
        with self._lock:
            found = texts.find(self.subject, self.part, text, token, most)
        return [
            FoundFeature(subject=self.subject.name, feature=int(f), activation=float(a), normalised=finite(float(n)))
            for f, a, n in zip(*found, strict=True)
        ]

    def neighbours(self, feature: int, most: int = 20) -> list[NeighbourRow]:
        """The features nearest by decoder, by encoder and by firing together."""
        self._checked(feature)
        rows: list[NeighbourRow] = []
        sides: tuple[tuple[Literal["decoder", "encoder"], np.ndarray | None], ...] = (
            ("decoder", self.subject.decoder),
            ("encoder", self.subject.encoder),
        )
        for kind, directions in sides:
            if directions is not None:
                rows += [
                    NeighbourRow(feature=feature, kind=kind, neighbour=int(other), value=float(cosine))
                    for other, cosine in zip(*nearest_to(directions, feature, most), strict=True)
                ]
        with self._lock:
            found = cofiring(self.part, feature, most)
        return rows + [
            NeighbourRow(feature=feature, kind="co-firing", neighbour=int(other), value=float(jaccard), shared=int(n))
            for other, n, jaccard in zip(*found, strict=True)
        ]

    def counterparts(self, feature: int, other: Subject, most: int = 20) -> list[NeighbourRow]:
        """The features of another dictionary on the same residual stream that write nearly the same direction.

        Raises UsageError for a dictionary of another width.
        """
        self._checked(feature)
        if other.d_model != self.subject.d_model:
            raise UsageError(
                f"{other.name} writes into {other.d_model} dimensions, {self.subject.name} into "
                f"{self.subject.d_model}: counterparts are of dictionaries on the same model."
            )
        found = nearest_rows(other.decoder, self.subject.decoder[feature], most)
        return [
            NeighbourRow(feature=feature, kind="counterpart", neighbour=int(n), value=float(cosine), subject=other.name)
            for n, cosine in zip(*found, strict=True)
        ]

    def position(self, feature: int) -> PositionRow:
        """How far the place of a token in its row explains a feature's activation."""
        profile = position_profile(self.part, self._checked(feature))
        return PositionRow(feature=feature, explained=profile.explained, means=profile.means.tolist())

    def _chosen(
        self, feature: int, firings: Firings, kinds: list[ExampleKind], count: int
    ) -> Iterator[tuple[ExampleKind, str | None, examples.Example]]:
        for number, kind in enumerate(kinds):
            if len(kinds) > 1:
                self._progress("kinds of examples", number, len(kinds))
            if kind == "top":
                for one in examples.top(firings, count):
                    yield kind, None, one
            elif kind == "decile":
                for number, tenth in enumerate(examples.deciles(firings, max(1, count // examples.DECILES)), 1):
                    for one in tenth:
                        yield kind, f"decile {number}", one
            elif kind == "diverse":
                for one in examples.diverse(self.part, firings, self.subject.vocabulary, count):
                    yield kind, None, one
            else:
                for position, source in negatives(self.subject, self.part, feature, firings, count):
                    yield kind, source, examples.Example(position, 0)

    def _log_probs(self, contexts: list[Context], following: list[int | None]) -> list[float | None]:
        """Log-probability of the token behind the position of each context; None at the end of a document."""
        known = [(i, token) for i, token in enumerate(following) if token is not None]
        found: list[float | None] = [None] * len(contexts)
        if known:
            begun = row_start(self.subject)
            # What stands behind a position has no part in what the model expects there.
            rows = padded([contexts[i].tokens[: contexts[i].position + 1] for i, _ in known], begun).clip(min=0)
            places = [len(begun) + contexts[i].position for i, _ in known]
            values = next_log_probs(self.subject, rows, places, [token for _, token in known])
            for (i, _), value in zip(known, values.tolist(), strict=True):
                found[i] = value
        return found

    def _shown(self, tokens: np.ndarray) -> list[str]:
        return [self.subject.vocabulary.shown(token) for token in tokens.tolist()]

    def _checked(self, feature: int) -> int:
        return require_feature(feature, self.subject.n_features)
