"""Hard negatives: contexts that look as if a feature should fire there, and a forward pass says that it is silent."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from ..statistics.directions import nearest_to
from ..subject.reading import feature_activations, row_start
from ..subject.subject import Subject
from .cofiring import cofiring
from .examples import AFTER, BEFORE, top
from .part import Part
from .rows import padded
from .store import NO_FIRINGS, Firings

Source = Literal["same token", "decoder neighbour", "co-firing", "random"]
_RIVALS = 5  # neighbours and co-firing features whose contexts are tried
_TOKENS = 10  # tokens that the feature fires on most
_TRIED = 200  # strongest firings of a rival, and occurrences of a token
_SPARE = 3  # candidates that are verified for each negative wanted
_RANDOM_TRIES = 50  # random positions that are looked at for each negative wanted
_BATCH = 16
_SEED = 0


class Negative(NamedTuple):
    """A position of the part with no firing in the context around it, and what made it a candidate."""

    position: int
    source: Source


def negatives(subject: Subject, part: Part, feature: int, firings: Firings, each: int) -> list[Negative]:
    """Up to `each` negatives of every source, `firings` being those of the feature on the part.

    All are verified by running the model on their rows again. A feature that fires nearly everywhere has none.
    """
    rng = np.random.default_rng([_SEED, feature])
    chosen: list[Negative] = []
    for source, positions in _candidates(subject, part, feature, firings, each, rng):
        quiet = positions[silent(part, positions, firings)]
        tried = [Negative(int(position), source) for position in dict.fromkeys(quiet.tolist())][: each * _SPARE]
        chosen += list(itertools.islice(_verified(subject, part, feature, tried), each))
    return chosen


def _candidates(
    subject: Subject, part: Part, feature: int, firings: Firings, each: int, rng: np.random.Generator
) -> Iterator[tuple[Source, np.ndarray]]:
    sums = part.token_sums(firings)
    read = [token for token in np.argsort(-sums, kind="stable")[:_TOKENS].tolist() if sums[token] > 0]
    yield "same token", _in_turn([_some(part.occurrences(token), rng) for token in read])
    near, _ = nearest_to(subject.decoder, feature, _RIVALS)
    yield "decoder neighbour", strongest(part, near.tolist())
    yield "co-firing", strongest(part, cofiring(part, feature, _RIVALS).features.tolist())
    yield "random", part.random_positions(each * _RANDOM_TRIES, rng)


def strongest(part: Part, features: list[int]) -> np.ndarray:
    """The strongest firings of features, (n,) positions, one of each feature at a time."""
    return _in_turn([np.array([e.position for e in top(part.firings(f), _TRIED)], np.int64) for f in features])


def _some(positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(positions)[:_TRIED]


def _in_turn(groups: list[np.ndarray]) -> np.ndarray:
    """Members of the groups, one of each at a time."""
    ranks = np.concatenate([np.arange(len(group)) for group in groups] or [np.empty(0, np.int64)])
    members = np.concatenate(groups or [np.empty(0, np.int64)])
    return members[np.argsort(ranks, kind="stable")]


def silent(part: Part, positions: np.ndarray, firings: Firings) -> np.ndarray:
    """Which positions (n,) have no firing in the context around them, bool."""
    begin, end = part.spans(positions, BEFORE, AFTER)
    return np.searchsorted(firings.positions, begin) == np.searchsorted(firings.positions, end)


def _verified(subject: Subject, part: Part, feature: int, tried: list[Negative]) -> Iterator[Negative]:
    """Those around which the feature stays silent when the model runs on their rows once more."""
    begun = row_start(subject)
    for start in range(0, len(tried), _BATCH):
        batch = tried[start : start + _BATCH]
        contexts = [part.context(one.position, NO_FIRINGS) for one in batch]
        rows = padded([context.tokens for context in contexts], begun)
        found = feature_activations(subject, rows.clip(min=0))[:, len(begun) :, feature].float().cpu().numpy()
        for one, context, activations in zip(batch, contexts, found, strict=True):
            begin, end = max(0, context.position - BEFORE), context.position + AFTER + 1
            if not (activations[begin : min(end, len(context.tokens))] > 0).any():
                yield one
