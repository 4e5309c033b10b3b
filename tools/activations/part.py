"""A part of an activation index: the rows on some sides of the partition. Nothing else can be reached through it."""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from zipfile import BadZipFile

import numpy as np

from ..errors import UsageError
from ..files import atomic_write
from ..results import FiringSummary
from .partition import SIDES, Side
from .store import ActivationStore, Firings

BINS = 20


@dataclass(frozen=True)
class Context:
    """A row of the part around a position: its token ids, where in it the position is, the feature's activations."""

    document: str
    row: int
    tokens: np.ndarray
    activations: np.ndarray
    position: int


@dataclass(frozen=True)
class Totals:
    """What every feature does on a part: firings (int64), the largest activation (0 without one) and the sum of all."""

    firings: np.ndarray
    maxima: np.ndarray
    sums: np.ndarray


class Part:
    """The rows of an index on given sides; held-out ones only through `held_out.HeldOut`."""

    _allowed: ClassVar[frozenset[Side]] = frozenset({"open", "confirm"})

    def __init__(self, store: ActivationStore, sides: Sequence[Side], special: frozenset[int]) -> None:
        if not self._allowed.issuperset(sides):
            raise PermissionError("held-out documents are read by scorers alone")
        self._store, self.sides = store, tuple(sides)
        self._of_part = np.isin(store.rows.sides, [SIDES.index(side) for side in sides])
        self._special = np.array(sorted(special), np.int64)

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """Rows of the part, ascending."""
        return np.flatnonzero(self._of_part)

    @functools.cached_property
    def token_counts(self) -> np.ndarray:
        """How often each token id occurs in the part, up to the largest that does; special tokens do not count."""
        return _added(np.bincount(tokens) for _, tokens in self._texts())

    @functools.cached_property
    def place_counts(self) -> np.ndarray:
        """How many tokens of the part stand at each place of a row, without special tokens."""
        return _added(np.bincount(self.places(positions)) for positions, _ in self._texts())

    @functools.cached_property
    def totals(self) -> Totals:
        """Firings, maximum and sum of every feature, (features,) each; computed once and kept beside the index."""
        path = self._store.folder / "totals" / f"{'-'.join(self.sides)}.npz"
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
                return Totals(**kept)
        except (OSError, EOFError, ValueError, TypeError, BadZipFile):  # not there, or damaged
            totals = self._totals()
        buffer = io.BytesIO()
        np.savez(buffer, **vars(totals))
        atomic_write(path, buffer.getvalue())
        return totals

    def firings(self, feature: int) -> Firings:
        """Where the feature fires on the part."""
        found = self._store.firings(feature)
        return found.where(self._of_part[self._store.rows.of(found.positions)])

    def firings_at(self, positions: np.ndarray) -> np.ndarray:
        """How many of these positions (n,) of the part each feature fires at, (features,) int64."""
        self._require(positions)
        counts = []
        for number, (chunk, first) in enumerate(zip(self._store.chunks, self._store.firsts, strict=False)):
            marked = np.zeros(len(chunk["tokens"]), bool)
            own = positions[(positions >= first) & (positions < self._store.firsts[number + 1])]
            marked[own - first] = True
            counts.append(_by_feature(marked[chunk["positions"]], chunk["pointers"]) if len(own) else 0)
        return np.sum([count for count in counts if np.ndim(count)] or [np.zeros(self.n_features, np.int64)], axis=0)

    @property
    def n_features(self) -> int:
        """Features of the dictionary."""
        return len(self._store.chunks[0]["pointers"]) - 1

    def summary(self, feature: int) -> FiringSummary:
        """How often and how much a feature fires, with a histogram of BINS bins."""
        values = self.firings(feature).values
        tokens, largest = int(self.token_counts.sum()), float(values.max()) if len(values) else None
        histogram = np.histogram(values, BINS, (0, largest or 1.0))[0]
        mean = float(values.mean(dtype=np.float64)) if len(values) else None
        return FiringSummary(
            feature=feature,
            tokens=tokens,
            firings=len(values),
            density=len(values) / max(1, tokens),
            max=largest,
            mean=mean,
            histogram=histogram.tolist(),
        )

    def token_sums(self, firings: Firings) -> np.ndarray:
        """Sum of activations on each token id, (as long as `token_counts`,) float64; raises KeyError as `tokens`."""
        return np.bincount(
            self.tokens(firings.positions), firings.values.astype(np.float64), minlength=len(self.token_counts)
        )

    def token_means(self, feature: int) -> tuple[np.ndarray, np.ndarray]:
        """Token ids that the feature fires on and its mean activation over all of their occurrences in the part."""
        sums = self.token_sums(self.firings(feature))
        ids = np.flatnonzero(sums)
        return ids, sums[ids] / self.token_counts[ids]

    def occurrences(self, token: int) -> np.ndarray:
        """Positions of the part at which a token stands, ascending."""
        return np.concatenate([positions[tokens == token] for positions, tokens in self._texts()])

    def tokens(self, positions: np.ndarray) -> np.ndarray:
        """Token ids at positions of the part; raises KeyError for positions elsewhere."""
        self._require(positions)
        return self._store.tokens(positions)

    def places(self, positions: np.ndarray) -> np.ndarray:
        """At which place of its row each position stands, from 0; raises KeyError for positions elsewhere."""
        self._require(positions)
        table = self._store.rows
        return positions - table.starts[table.of(positions)]

    def documents(self, positions: np.ndarray) -> np.ndarray:
        """Keys (n,) of the documents that positions stand in; raises KeyError as `tokens`."""
        self._require(positions)
        return self._store.rows.keys[self._store.rows.of(positions)]

    def spans(self, positions: np.ndarray, before: int, after: int) -> tuple[np.ndarray, np.ndarray]:
        """First position and end of the window around each position, inside its row; raises KeyError as `tokens`."""
        self._require(positions)
        table = self._store.rows
        rows = table.of(positions)
        return np.maximum(positions - before, table.starts[rows]), np.minimum(
            positions + after + 1, table.starts[rows + 1]
        )

    def row_lengths(self, rows: np.ndarray) -> np.ndarray:
        """Tokens in each of some rows of the part."""
        starts = self._store.rows.starts
        return starts[rows + 1] - starts[rows]

    def row(self, row: int) -> tuple[int, np.ndarray]:
        """First position and token ids of a row of the part; raises KeyError for a row elsewhere."""
        if not self._of_part[row]:
            raise KeyError("a row outside the part")
        return int(self._store.rows.starts[row]), self._store.row_tokens(row)

    def random_positions(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Positions of random rows of the part, each row as likely as any other."""
        starts = self._store.rows.starts
        rows = rng.choice(self.rows, count)
        return starts[rows] + (rng.random(count) * (starts[rows + 1] - starts[rows])).astype(np.int64)

    def following(self, position: int) -> int | None:
        """The token behind a position of the part in its document; None at the end. Raises KeyError as `tokens`."""
        self._require(np.array([position]))
        table = self._store.rows
        row = int(table.of(np.array([position]))[0])
        if position + 1 == table.starts[row + 1]:
            last = row + 1 == len(table)
            if last or table.documents[row + 1] != table.documents[row]:
                return None
        return int(self.tokens(np.array([position + 1]))[0])

    def context(self, position: int, firings: Firings) -> Context:
        """The row of a position with the activations of a feature, given its firings on the part."""
        self._require(np.array([position]))
        table = self._store.rows
        row = int(table.of(np.array([position]))[0])
        start, stop = int(table.starts[row]), int(table.starts[row + 1])
        own = slice(*np.searchsorted(firings.positions, [start, stop]).tolist())
        activations = np.zeros(stop - start, np.float32)
        activations[firings.positions[own] - start] = firings.values[own]
        return Context(f"{table.keys[row]:016x}", row, self._store.row_tokens(row), activations, position - start)

    def _require(self, positions: np.ndarray) -> None:
        inside = (positions >= 0) & (positions < self._store.firsts[-1])
        if not inside.all() or not self._of_part[self._store.rows.of(positions)].all():
            raise KeyError("a position outside the part")

    def _texts(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of the part and the tokens there, chunk by chunk, without special tokens."""
        for chunk, first in zip(self._store.chunks, self._store.firsts, strict=False):
            tokens = np.asarray(chunk["tokens"], np.int64)
            positions = first + np.arange(len(tokens))
            own = self._of_part[self._store.rows.of(positions)] & ~np.isin(tokens, self._special)
            yield positions[own], tokens[own]

    def _totals(self) -> Totals:
        firings = np.zeros(self.n_features, np.int64)
        maxima, sums = np.zeros(self.n_features, np.float32), np.zeros(self.n_features)
        for chunk, first in zip(self._store.chunks, self._store.firsts, strict=False):
            of_part = self._of_part[self._store.rows.of(first + np.arange(len(chunk["tokens"])))]
            own, pointers = of_part[chunk["positions"]], chunk["pointers"]
            values = np.where(own, chunk["values"], np.float32(0))
            firings += _by_feature(own, pointers)
            sums += _by_feature(values.astype(np.float64), pointers)
            fired = np.flatnonzero(np.diff(pointers))
            if len(fired):
                largest = np.maximum.reduceat(values, pointers[fired])
                maxima[fired] = np.maximum(maxima[fired], largest)
        return Totals(firings, maxima, sums)


def explore(store: ActivationStore, special: frozenset[int]) -> Part:
    """The open side: what tools, labelers and people may look at. Raises UsageError where it holds no document."""
    part = Part(store, ("open",), special)
    if not len(part.rows):
        raise UsageError(
            f"No document of the index is open to look at: index more documents that differ, or delete {store.folder} "
            "to go back to an earlier index."
        )
    return part


def _by_feature(values: np.ndarray, pointers: np.ndarray) -> np.ndarray:
    """Sums of the values between pointers."""
    kind = np.int64 if values.dtype == bool else values.dtype
    running = np.concatenate([np.zeros(1, kind), np.cumsum(values, dtype=kind)])
    return np.diff(running[pointers])


def _added(counts: Iterator[np.ndarray]) -> np.ndarray:
    """The sum of arrays of different lengths, each filled up with zeros."""
    total = np.zeros(1, np.int64)
    for found in counts:
        shorter, longer = sorted((total, found), key=len)
        total = longer.copy()
        total[: len(shorter)] += shorter
    return total
