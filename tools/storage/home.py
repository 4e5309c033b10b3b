"""The folder that holds tsea's own files."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """The folder of database, caches and reports: `TSEA_HOME`, else the platform's data folder. Not created here."""
    if chosen := os.environ.get("TSEA_HOME"):
        return Path(chosen).expanduser()
    return platformdirs.user_data_path("tsea", appauthor=False)
