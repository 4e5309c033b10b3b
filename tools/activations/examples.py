"""Choosing contexts that show what a feature does: the strongest, from each tenth, different ones."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..vocabulary import Vocabulary
from .part import Part
from .store import Firings

DECILES = 10
LOCAL = 3  # tokens before the firing one that make its local context
BEFORE, AFTER = 40, 15  # tokens around the firing one that make its context
NEAR_IDENTICAL = 0.7  # share of the tokens before, from which on two contexts are near-duplicates
_CONSIDERED = 200_000  # strongest firings that different examples are chosen from
_SEED = 0


@dataclass(frozen=True)
class Example:
    """A position at which a feature fires; `count` firings are alike and stand behind it."""

    position: int
    count: int = 1


def top(firings: Firings, most: int) -> list[Example]:
    """The strongest firings, strongest first, earlier ones first among equals."""
    return [Example(position) for position in firings.positions[_by_strength(firings)[:most]].tolist()]


def deciles(firings: Firings, each: int) -> list[list[Example]]:
    """Random firings of each tenth by activation, weakest tenth first; the same ones each time."""
    rng = np.random.default_rng([_SEED, len(firings.positions)])
    return [
        [Example(position) for position in firings.positions[np.sort(rng.permutation(tenth)[:each])].tolist()]
        for tenth in np.array_split(_by_strength(firings)[::-1], DECILES)
    ]


def diverse(part: Part, firings: Firings, vocabulary: Vocabulary, most: int) -> list[Example]:
    """Firings that differ: alike contexts are one example with a count, and every token has its turn.

    A token in the same local context is one example, in any case and spacing, and so are contexts that share most of
    the tokens before. Each turn takes the strongest example left of every token, tokens in the order of the activation
    that they add up to, so that a second meaning comes before the hundredth context of the first.
    """
    considered = firings.where(_by_strength(firings)[:_CONSIDERED])
    if not len(considered.positions):
        return []
    local = _token_families(vocabulary)[_before(part, considered.positions, LOCAL)]
    # Firings come strongest first, so the first of each kind is its strongest.
    _, first, kind, counts = np.unique(local, axis=0, return_index=True, return_inverse=True, return_counts=True)
    sums = np.bincount(kind.ravel(), considered.values.astype(np.float64))
    examples: dict[int, list[Example]] = {}
    weight: dict[int, float] = {}
    for one in np.argsort(first):
        family = int(local[first[one], -1])
        examples.setdefault(family, []).append(Example(int(considered.positions[first[one]]), int(counts[one])))
        weight[family] = weight.get(family, 0.0) + float(sums[one])
    turns = [examples[family] for family in sorted(examples, key=lambda family: -weight[family])]
    return _without_near_duplicates(part, _in_turn(turns), most)


def _without_near_duplicates(part: Part, examples: Iterator[Example], most: int) -> list[Example]:
    chosen: list[Example] = []
    seen: list[frozenset[int]] = []
    for example in examples:
        if len(chosen) == most:
            break
        around = frozenset(_before(part, np.array([example.position]), BEFORE)[0].tolist()) - {-1}
        alike = [len(around & other) >= NEAR_IDENTICAL * len(around | other) for other in seen]
        if any(alike):
            known = alike.index(True)
            chosen[known] = replace(chosen[known], count=chosen[known].count + example.count)
        else:
            chosen.append(example)
            seen.append(around)
    return chosen


def _by_strength(firings: Firings) -> np.ndarray:
    return np.lexsort((firings.positions, -firings.values))


def _before(part: Part, positions: np.ndarray, count: int) -> np.ndarray:
    """Tokens of the positions, each behind the `count` before it in its row; -1 where the row has not begun."""
    places = part.places(positions)
    steps = np.arange(-count, 1)
    inside = places[:, None] + steps >= 0
    tokens = part.tokens(np.where(inside, positions[:, None] + steps, positions[:, None]).ravel())
    return np.where(inside, tokens.reshape(inside.shape), -1)


@functools.lru_cache(maxsize=4)
def _token_families(vocabulary: Vocabulary) -> np.ndarray:
    """A number for each token id, the same for those that differ in case and spacing alone; that of -1 comes last."""
    numbers: dict[str, int] = {}
    families = [text.strip().casefold() or text for text in vocabulary.text]
    return np.array([*(numbers.setdefault(family, len(numbers)) for family in families), -1])


def _in_turn(groups: list[list[Example]]) -> Iterator[Example]:
    for turn in range(max(map(len, groups), default=0)):
        yield from (group[turn] for group in groups if turn < len(group))
