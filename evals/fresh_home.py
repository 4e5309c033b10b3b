"""A folder for tsea's own files that ends with the process."""

from __future__ import annotations

import os
import tempfile


def fresh_home() -> None:
    """Nothing is left behind, and nothing found: caches and indexes go to a new folder."""
    folder = tempfile.TemporaryDirectory(prefix="tsea-speed-")
    _FOLDERS.append(folder)
    os.environ["TSEA_HOME"] = folder.name


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
