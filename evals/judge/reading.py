"""Reading what a judge answered: one JSON object of numbered entries, whatever the texts asked it to do."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...tools.errors import UsageError, shortened

MOST_CHARACTERS = 1_000  # of a text that the judge writes
_FENCED = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)


@dataclass(frozen=True)
class Kind:
    """What an entry of an answer may be: `read` gives its value, None for anything else; `example` is a typical one."""

    read: Callable[[Any], Any | None]
    example: Any


def entries(text: str, count: int, kind: Kind) -> dict[int, Any]:
    """The values of an answer by place, 0 to count - 1; entries that are missing or of another kind are left out.

    An answer is one JSON object with the numbers 1 to `count` as names, or a list of so many entries, and nothing else
    (but for a code fence). Raises UsageError for anything else.
    """
    stripped = text.strip()
    fenced = _FENCED.fullmatch(stripped)
    try:
        found = json.loads(fenced[1] if fenced else stripped, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        raise UsageError(f"this is no JSON alone: {shortened(stripped)}.") from None
    if isinstance(found, list) and len(found) == count:
        found = {str(number): entry for number, entry in enumerate(found, 1)}
    if not isinstance(found, dict):
        raise UsageError(f"this is no JSON object with the numbers 1 to {count}: {shortened(stripped)}.")
    places = {str(number): number - 1 for number in range(1, count + 1)}
    if unknown := found.keys() - places.keys():
        raise UsageError(f"{shortened(min(unknown))} is none of the numbers 1 to {count}.")
    read = {places[number]: kind.read(entry) for number, entry in found.items()}
    return {place: value for place, value in read.items() if value is not None}


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different: of two answers to one question, none counts."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _bit(value: Any) -> int | None:
    return int(value) if isinstance(value, int) and value in (0, 1) else None


def _rating(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and math.isfinite(value) and 0 <= value <= 10 else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() and len(value) <= MOST_CHARACTERS else None


def choice(options: str) -> Kind:
    """One of several letters, read as its place among them."""
    return Kind(lambda value: options.index(value) if isinstance(value, str) and value in set(options) else None, "A")


BIT = Kind(_bit, 1)  # 1 or 0
RATING = Kind(_rating, 10)  # 0 to 10
TEXT = Kind(_text, "Somebody wrote a sentence of about a dozen words, and it may fire there.")
