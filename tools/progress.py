"""How long work reports how far it is, and how it is stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

# Called with what is being done, how much is done, and how much there is; what it raises stops the work.
Progress = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Report to nobody."""


_current: ContextVar[Progress] = ContextVar("progress", default=silent)


def to_current(what: str, done: int, total: int) -> None:
    """Report to whoever asked for the work that runs here: what long-lived objects, which serve many, are given."""
    _current.get()(what, done, total)


@contextlib.contextmanager
def reporting_to(progress: Progress) -> Iterator[None]:
    """Let `progress` hear what `to_current` is told by this thread meanwhile."""
    token = _current.set(progress)
    try:
        yield
    finally:
        _current.reset(token)
