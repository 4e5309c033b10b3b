"""How long work reports how far it is."""

from __future__ import annotations

from collections.abc import Callable

# Called with what is being done, how much is done, and how much there is.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Report to nobody."""
