"""Counts and lists inside sentences."""

from __future__ import annotations

from collections.abc import Sequence


def number_of(count: int, noun: str) -> str:
    """A count with its noun: `1 set`, `2 sets`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def listing(items: Sequence[str], most: int) -> str:
    """The first `most` items with commas, and how many more there are."""
    more = len(items) - most
    return f"{', '.join(items[:most])}{f' and {more} more' if more > 0 else ''}"
