"""A cache on disk that can hold bytes and nothing else, and arrays as bytes.

diskcache pickles what it does not know, and whoever can write its folder then runs code (CVE-2025-69872; its
JSONDisk does not mend that), so it is opened here with a Disk that neither writes nor reads anything but bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import diskcache
import numpy as np
from diskcache.core import MODE_BINARY, MODE_RAW

from ..errors import TseaError
from ..files import write_failure
from .home import home

SIZE_LIMIT = 4 * 2**30  # bytes; beyond it the entries stored first are dropped
_DIGEST_BYTES = 16


class _BytesDisk(diskcache.Disk):
    """Keys are text, values are bytes; anything else is refused before it could reach pickle."""

    def put(self, key: Any) -> Any:
        return (key, True) if isinstance(key, str) else _refuse(key)

    def get(self, key: Any, raw: bool) -> Any:
        return key if raw and isinstance(key, str) else _refuse(key)

    def store(self, value: Any, read: bool, key: Any = diskcache.UNKNOWN) -> Any:
        return _refuse(value) if read or not isinstance(value, bytes) else super().store(value, read, key)

    def fetch(self, mode: int, filename: Any, value: Any, read: bool) -> Any:
        if read or mode not in (MODE_RAW, MODE_BINARY):
            raise OSError("not an entry of bytes")  # diskcache takes OSError for a miss
        return super().fetch(mode, filename, value, read)


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"The cache holds bytes under names of type str, not {type(value).__name__}.")


class ByteCache:
    """Bytes by name in a folder (default: `cache` in `home()`), safe across threads and processes.

    Each value is stored behind its digest: an entry that was damaged or tampered with counts as absent.
    Raises TseaError when the folder cannot be used.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or home() / "cache"
        with self._reporting():
            self._cache = diskcache.Cache(str(self.folder), disk=_BytesDisk, size_limit=SIZE_LIMIT)

    def get(self, key: str) -> bytes | None:
        """The value stored under `key`, or None when it is absent or damaged."""
        with self._reporting():
            stored = self._cache.get(key)
        if not isinstance(stored, bytes):
            return None
        digest, value = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
        return value if digest == _digest(value) else None

    def set(self, key: str, value: bytes) -> None:
        """Store `value` under `key`, in place of what was there."""
        if not isinstance(value, bytes):
            _refuse(value)
        with self._reporting():
            self._cache.set(key, _digest(value) + value)

    def close(self) -> None:
        """Close the connections; a later use opens them again."""
        self._cache.close()

    def __enter__(self) -> ByteCache:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_failure(self.folder, error) from error
        except (sqlite3.Error, diskcache.Timeout) as error:
            raise TseaError(
                f"Cannot use the cache {self.folder}: {error}. Delete that folder (it holds only what can be computed "
                "again), or set TSEA_HOME to another one."
            ) from error


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=_DIGEST_BYTES).digest()


def save_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Named arrays as one npz file; raises ValueError for arrays of Python objects, which only pickle could hold."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def load_arrays(data: bytes) -> dict[str, np.ndarray]:
    """The arrays that `save_arrays` wrote; raises TseaError for bytes that are none or would need pickle."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ValueError("a member is no array")
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise TseaError("These bytes are no stored arrays (npz without pickle): compute them again.") from error
    return arrays
