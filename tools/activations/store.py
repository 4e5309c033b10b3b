"""The activation store on disk: chunks of rows, each with its tokens and the activations above zero, by feature.

A position counts the tokens of the whole store, BOS left out. Nothing is aggregated: every figure about a feature is
read from its own activations, which lie together in each chunk, so that memory does not grow with the corpus.
"""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import TseaError
from ..files import atomic_write, write_failure
from .rows import Row

FORMAT = 1


class Active(NamedTuple):
    """Activations above zero, in any order: feature, position in a chunk or page, and value of each, (n,)."""

    features: np.ndarray
    positions: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Firings:
    """Where a feature is active (ascending positions, int64) and how much (float32)."""

    positions: np.ndarray
    values: np.ndarray

    def where(self, keep: np.ndarray) -> Firings:
        """Those that a mask or an index keeps."""
        return Firings(self.positions[keep], self.values[keep])


NO_FIRINGS = Firings(np.empty(0, np.int64), np.empty(0, np.float32))


class Chunk:
    """One chunk, its arrays mapped from disk.

    By token: `tokens`. By row: `starts` (and the end), `documents`, `keys`, `sides`, `offsets`. By feature: `pointers`
    into `positions` and `values`, what is active, positions ascending.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arrays: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            try:
                self._arrays[name] = np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            except (OSError, EOFError, ValueError) as error:  # gone, empty, cut off
                raise damaged(self.folder.parents[1]) from error
        return self._arrays[name]

    @classmethod
    def write(cls, folder: Path, rows: Sequence[Row], active: Active, count: int) -> None:
        """Write a chunk of rows and what is active in them, of `count` features.

        The folder appears whole or not at all. Raises TseaError when it cannot be written, as on a full disk.
        """
        features, positions, values = active
        sizes = [len(row.tokens) for row in rows]
        order = _ascending(positions)
        order = order[_ascending(features[order])]
        arrays = {
            "tokens": np.concatenate([row.tokens for row in rows]).astype(np.uint32),
            "starts": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            "documents": np.array([row.document for row in rows], np.int64),
            "keys": np.array([row.key for row in rows], np.int64),
            "sides": np.array([row.side for row in rows], np.uint8),
            "offsets": np.array([row.start for row in rows], np.int64),
            "pointers": np.concatenate([[0], np.cumsum(np.bincount(features, minlength=count))]).astype(np.int64),
            "positions": positions[order].astype(np.uint32),
            "values": values[order].astype(np.float32),
        }
        temporary = folder.with_name(f".{folder.name}.tmp")
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            for name, array in arrays.items():
                np.save(temporary / f"{name}.npy", array, allow_pickle=False)
            temporary.rename(folder)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise write_failure(folder, error) from error


class ActivationStore:
    """A store that is finished, once it is described, or being written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def finished(self) -> float | None:
        """When all of its corpus was in it (seconds since the epoch); None while it is being written."""
        about = self.folder / "about.json"
        return about.stat().st_mtime if about.exists() else None

    def describe(self, **about: Any) -> None:
        """Record what the store is, and that it is finished."""
        known = {"format": FORMAT, "tokens": int(self.firsts[-1]), **about}
        atomic_write(self.folder / "about.json", json.dumps(known, indent=1).encode())

    @property
    def about(self) -> dict[str, Any]:
        """What was described; raises TseaError where it or a chunk is damaged, or of another version of tsea."""
        try:
            about = json.loads((self.folder / "about.json").read_bytes())
            if about["format"] == FORMAT and about["tokens"] == self.firsts[-1]:
                return about
        except (OSError, ValueError, TypeError, KeyError):
            pass
        raise damaged(self.folder)

    @functools.cached_property
    def chunks(self) -> list[Chunk]:
        """Chunks that are written."""
        return [Chunk(path) for path in sorted((self.folder / "chunks").glob("[0-9]*"))]

    @functools.cached_property
    def firsts(self) -> np.ndarray:
        """Position of the first token of each chunk, and behind the last one."""
        return np.concatenate([[0], np.cumsum([len(chunk["tokens"]) for chunk in self.chunks])]).astype(np.int64)

    @functools.cached_property
    def rows(self) -> RowTable:
        """All rows."""
        starts = (c["starts"][1:] + first for c, first in zip(self.chunks, self.firsts, strict=False))
        columns = (np.concatenate([c[name] for c in self.chunks]) for name in RowTable.NAMES)
        return RowTable(np.concatenate([[0], *starts]), *columns)

    def add(self, rows: Sequence[Row], active: Active, features: int) -> None:
        """Write the next chunk."""
        Chunk.write(self.folder / "chunks" / f"{len(self.chunks):05d}", rows, active, features)
        for name in ("chunks", "firsts", "rows"):
            self.__dict__.pop(name, None)

    def firings(self, feature: int) -> Firings:
        """All activations of a feature."""
        positions, values = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
        for chunk, first in zip(self.chunks, self.firsts, strict=False):
            own = slice(*chunk["pointers"][feature : feature + 2].tolist())
            positions.append(chunk["positions"][own].astype(np.int64) + first)
            values.append(chunk["values"][own])
        return Firings(np.concatenate(positions), np.concatenate(values))

    def tokens(self, positions: np.ndarray) -> np.ndarray:
        """Token ids (n,) int64 at positions (n,)."""
        found = np.empty(len(positions), np.int64)
        at = np.searchsorted(self.firsts, positions, side="right") - 1
        for number in np.unique(at):
            own = at == number
            found[own] = self.chunks[number]["tokens"][positions[own] - self.firsts[number]]
        return found

    def row_tokens(self, row: int) -> np.ndarray:
        """The tokens of text of one row."""
        start, stop = self.rows.starts[row], self.rows.starts[row + 1]
        return self.tokens(np.arange(start, stop))


@dataclass(frozen=True)
class RowTable:
    """Rows of a store: position of the first token of each (and behind the last), document, its key, side, offset."""

    NAMES = ("documents", "keys", "sides", "offsets")

    starts: np.ndarray
    documents: np.ndarray
    keys: np.ndarray
    sides: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.documents)

    def of(self, positions: np.ndarray) -> np.ndarray:
        """Rows (n,) of positions (n,)."""
        return np.searchsorted(self.starts, positions, side="right") - 1


def damaged(folder: Path) -> TseaError:
    """The message for a store that cannot be read."""
    return TseaError(f"The index {folder} is damaged or of another version: delete this folder and index again.")


def _ascending(keys: np.ndarray) -> np.ndarray:
    """Places (n,) int64 of keys (n,), integers from 0 to 2^31, in ascending order, equal ones as they come."""
    # NumPy sorts plain integers with vector instructions, several times faster than any of its stable index sorts.
    places = (keys.astype(np.int64) << 32) | np.arange(len(keys))
    places.sort()
    return places & 0xFFFFFFFF
