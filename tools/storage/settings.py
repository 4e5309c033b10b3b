"""The settings of runs: told apart by hash, and compared for people."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .tables import Run

_SHOWN = 60  # characters of a setting that a message shows


def settings_hash(subject_hash: str, config: dict[str, Any]) -> str:
    """The same for the same subject and settings, in any order."""
    settings = json.dumps({"subject_hash": subject_hash, "config": config}, sort_keys=True)
    return hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()


def brief(value: Any) -> str:
    """The value as text, cut to what a message holds."""
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def differences(stored: Run, asked: Run) -> str:
    """What differs between the settings of two runs: "power was 0 and is now 1, ..."; of other labelers that alone."""
    old, new = ({"subject_hash": run.subject_hash} | run.config for run in (stored, asked))
    keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    keys = ["labeler"] if "labeler" in keys else keys
    return ", ".join(f"{key} was {brief(old.get(key))} and is now {brief(new.get(key))}" for key in keys)
