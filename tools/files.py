"""Writing a file so that it is there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from .errors import TseaError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path` through a synced temporary file beside it, so that no reader sees half a file.

    Folders are created. Raises TseaError (folder read-only, disk full, ...) and then leaves nothing behind.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise write_failure(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def atomic_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write files by name into a new folder `path`, which takes the place of one that exists, with all it holds.

    Raises TseaError like `atomic_write`; then `path` is as it was.
    """
    temporary, former = (path.with_name(f".{path.name}.{uuid.uuid4().hex}.{end}") for end in ("tmp", "old"))
    try:
        temporary.mkdir(parents=True)
        for name, data in files.items():
            (temporary / name).write_bytes(data)
        if path.exists():
            path.replace(former)
        temporary.replace(path)
        shutil.rmtree(former, ignore_errors=True)
    except OSError as error:
        if former.exists() and not path.exists():
            former.replace(path)
        raise write_failure(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def make_folder(folder: Path) -> Path:
    """The folder, made where it is missing; raises TseaError when that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failure(folder, error) from error
    return folder


def write_failure(path: Path, error: OSError) -> TseaError:
    """The message for a file that could not be written."""
    if error.errno == errno.EISDIR:
        return TseaError(f"Cannot write {path}: it is a folder. Give the name of a file in it.")
    advice = "Give another place, or set TSEA_HOME to a folder you can write."
    if error.errno in _FULL:
        return TseaError(f"Cannot write {path}: no space left. Free some, or set TSEA_HOME to another disk.")
    if error.errno in _FORBIDDEN:
        return TseaError(f"Cannot write {path}: the folder is read-only for this user. {advice}")
    return TseaError(f"Cannot write {path}: {error.strerror or error}. {advice}")
