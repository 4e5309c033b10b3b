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
        found = [np.flatnonzero(np.isin(read.tokens[where], sets[chosen].ids)) for where, chosen in columns]
        counts, tokens = np.array([len(at) for at in found], np.int64), len(read.positions)
        at = np.concatenate([*found, np.empty(0, np.int64)])
        members = np.repeat(np.arange(len(columns), dtype=np.int32), counts)[np.argsort(at, kind="stable")]
        pointers = np.concatenate([[0], np.cumsum(np.bincount(at, minlength=tokens))]).astype(np.int64)
        return cls(list(columns), pointers, members, counts / tokens)

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


def frequent_columns(read: Slice, sets: Sequence[TokenSet], least: int) -> list[Column]:
    """Sets at places where at least `least` tokens of the slice are theirs, and no more than half."""
    columns: list[Column] = []
    for where in WHERES:
        tokens = read.tokens[where]
        counts = np.bincount(tokens[tokens >= 0])
        sizes = [int(counts[s.ids[s.ids < len(counts)]].sum()) for s in sets]
        columns += [Column(where, number) for number, size in enumerate(sizes) if least <= size <= len(tokens) / 2]
    return columns
