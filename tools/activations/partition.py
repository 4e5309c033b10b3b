"""Which side a document is on: explore (open, confirm) or held-out, with near-duplicates on one side.

A document goes where a hash of its words sends it, unless one like it came before: then it goes there. Likeness is the
share of three-word runs that two documents have in common, estimated by MinHash (Broder 1997,
doi:10.1109/SEQUEN.1997.666900), without case, punctuation and spacing: copies with small changes cannot leak across.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
import tempfile
from typing import Literal

import numpy as np

from ..errors import TseaError

OPEN, CONFIRM, HELD_OUT = 0, 1, 2
Side = Literal["open", "confirm", "held_out"]
SIDES: tuple[Side, ...] = ("open", "confirm", "held_out")
ALIKE = 0.4  # estimated share of runs from which on two documents are near-duplicates

_PARTS = (OPEN, OPEN, OPEN, CONFIRM, HELD_OUT, HELD_OUT, HELD_OUT, HELD_OUT)  # half explore, half held-out
_BANDS, _ROWS = 16, 2
_RUN = 3
_BLOCK = 8192  # words whose runs are hashed together, so that memory does not grow with a document
_WORD = re.compile(r"\w+")
# Multiply-shift hashing (Dietzfelbinger et al. 1997, doi:10.1006/jagm.1997.0873): odd factors, arithmetic modulo 2^64.
_FACTORS, _TERMS = np.random.default_rng(0).integers(0, 1 << 64, (2, _BANDS * _ROWS), np.uint64) | np.uint64(1)


class Partition:
    """Sides of documents, in the order in which they come. What was seen lies on disk, however much it is."""

    def __init__(self) -> None:
        self._seen = sqlite3.connect("", isolation_level=None)  # a temporary file, gone with the connection
        self._seen.execute("CREATE TABLE document (id INTEGER PRIMARY KEY, signature BLOB, side INTEGER)")
        self._seen.execute("CREATE TABLE band (hash BLOB PRIMARY KEY, document INTEGER) WITHOUT ROWID")
        self._seen.execute("BEGIN")

    def side(self, text: str) -> int:
        """The side of the next document: OPEN, CONFIRM or HELD_OUT. Raises TseaError when the disk is full."""
        try:
            return self._side(text)
        except sqlite3.OperationalError as error:
            raise TseaError(
                f"Cannot keep what was read of the corpus in {tempfile.gettempdir()}: {error}. Free some space "
                "there, or set TMPDIR to a folder on another disk."
            ) from error

    def _side(self, text: str) -> int:
        words = _WORD.findall(text.casefold())
        signature = _signature(words)
        bands = [bytes([band]) + part.tobytes() for band, part in enumerate(signature.reshape(_BANDS, _ROWS))]
        marks = ",".join("?" * _BANDS)
        alike = self._seen.execute(
            f"SELECT signature, side FROM document WHERE id IN (SELECT document FROM band WHERE hash IN ({marks}))"
            " ORDER BY id",
            bands,
        )
        for earlier, side in alike:
            if np.mean(np.frombuffer(earlier, np.uint32) == signature) >= ALIKE:
                return side
        side = _PARTS[_hash(" ".join(words)) % len(_PARTS)]
        entry = self._seen.execute("INSERT INTO document (signature, side) VALUES (?, ?)", (signature.tobytes(), side))
        self._seen.executemany("INSERT OR IGNORE INTO band VALUES (?, ?)", [(band, entry.lastrowid) for band in bands])
        return side


def _signature(words: list[str]) -> np.ndarray:
    """MinHash signature (bands times rows,) uint32 of a document's runs of words."""
    smallest = np.full(_BANDS * _ROWS, np.iinfo(np.uint32).max, np.uint32)
    starts = range(max(1, len(words) - _RUN + 1))
    for block in range(0, len(starts), _BLOCK):
        runs = {" ".join(words[start : start + _RUN]) for start in starts[block : block + _BLOCK]}
        hashes = np.array([_hash(run) for run in runs], np.uint64)
        values = ((hashes[:, None] * _FACTORS + _TERMS) >> np.uint64(32)).astype(np.uint32)
        smallest = np.minimum(smallest, values.min(axis=0))
    return smallest


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=b"tsea.documents")
    return int.from_bytes(digest.digest(), "little")
