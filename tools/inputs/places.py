"""Token sets at the places of a slice: at the token that a feature fires on, the one before and the one behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..statistics.reading import reading_shares
from ..token_sets.library import TokenSet
from .slices import WHERES, Slice, Where


class Column(NamedTuple):
    """One test: a set (its place in the library) at one place."""

    where: Where
    set: int


@dataclass(frozen=True)
class Places:
    """Which columns each position of a slice belongs to, by the tokens at its places.

    `base` (columns,) is the share of the slice's tokens in each.
    """

    columns: list[Column]
    pointers: np.ndarray
    members: np.ndarray
    base: np.ndarray

    @classmethod
    def of(cls, read: Slice, sets: Sequence[TokenSet], columns: Sequence[Column]) -> Places:
        """The places of some columns."""
        tokens = len(read.positions)
        found = [_memberships(read.tokens[where], _at_place(sets, columns, where)) for where in WHERES]
        at, members = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
        pointers = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=tokens))]).astype(np.int64)
        base = np.bincount(members, minlength=len(columns)) / tokens
        return cls(list(columns), pointers, members[np.argsort(at, kind="stable")], base)

    def marked(self, column: int) -> np.ndarray:
        """Which tokens of the slice (n,) are in a column, bool."""
        found = np.zeros(len(self.pointers) - 1, bool)
        found[np.searchsorted(self.pointers, np.flatnonzero(self.members == column), side="right") - 1] = True
        return found

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum (columns,) over each column's tokens of values (n,) of the slice."""
        return np.bincount(self.members, np.repeat(values, np.diff(self.pointers)), minlength=len(self.columns))

    def shares(self, at: np.ndarray, levels: Sequence[int]) -> np.ndarray:
        """Reading shares (B, levels, columns) of firings at (B, n) of the slice, strongest first, -1 where none is."""
        return reading_shares(at, self.pointers, self.members, np.array(levels, np.int64), len(self.columns))


def _at_place(sets: Sequence[TokenSet], columns: Sequence[Column], where: Where) -> list[tuple[int, np.ndarray]]:
    """The columns at one place, with the token ids of each."""
    return [(number, sets[chosen].ids) for number, (place, chosen) in enumerate(columns) if place == where]


def _memberships(tokens: np.ndarray, columns: Sequence[tuple[int, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Which tokens (n,) are in which columns: positions and columns, (memberships,) each; -1 is in none.

    Every token's columns are looked up once by its id: asking each column for its tokens takes tens of times as long.
    """
    nothing = np.empty(0, np.int64)
    ids = np.concatenate([*(own for _, own in columns), nothing])
    owners = np.repeat([number for number, _ in columns], [len(own) for _, own in columns]).astype(np.int32)
    owners = owners[np.argsort(ids, kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(ids + 1, minlength=int(tokens.max(initial=0)) + 2))])
    begin, end = starts[tokens + 1], starts[tokens + 2]
    each = end - begin
    inside = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
    return np.repeat(np.arange(len(tokens)), each), owners[np.repeat(begin, each) + inside]


def frequent_columns(read: Slice, sets: Sequence[TokenSet], least: int) -> list[Column]:
    """Sets at places where at least `least` tokens of the slice are theirs, and no more than half."""
    columns: list[Column] = []
    for where in WHERES:
        tokens = read.tokens[where]
        counts = np.bincount(tokens[tokens >= 0])
        sizes = [int(counts[s.ids[s.ids < len(counts)]].sum()) for s in sets]
        columns += [Column(where, number) for number, size in enumerate(sizes) if least <= size <= len(tokens) / 2]
    return columns
