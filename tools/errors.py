"""Errors that a person can act on: one line that says what is wrong and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_NAME = 200  # nothing known is like a longer one, and comparing would take long


class TseaError(Exception):
    """Something could not be done; the message is one line and says what to do next, `details` may list more."""

    def __init__(self, message: str = "", details: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class UsageError(TseaError):
    """The request itself is wrong (unknown name, number out of range, malformed specification)."""


def shortened(text: str, most: int = 60) -> str:
    """What somebody wrote, in quotes and cut to `most` characters."""
    return repr(text if len(text) <= most else f"{text[: most - 3]}...")


def close_names(name: str, known: Iterable[str], count: int = 3, cutoff: float = 0.4) -> list[str]:
    """The known names most like `name`, the most similar first; `cutoff` is difflib's ratio."""
    if len(name) > _LONGEST_NAME:
        return []
    return difflib.get_close_matches(name, list(dict.fromkeys(known)), n=count, cutoff=cutoff)


def nearest(name: str, known: Iterable[str], count: int = 3) -> str:
    """A phrase that offers the known names closest to `name`, or an empty string when none is near."""
    close = close_names(name, known, count)
    return f" Did you mean {' or '.join(close)}?" if close else ""
