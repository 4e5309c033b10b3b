"""Regular expressions written by others: `re.match` semantics over many strings, within limits of size and time."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence

import regex

from ..errors import UsageError

MAX_PATTERN = 1000  # characters
# The engine unrolls counted repeats when it compiles, which no time limit covers.
MAX_REPEATS = 100_000
SECONDS = 0.7
_COUNT = re.compile(r"\{\s*(\d*)\s*,?\s*(\d*)\s*\}")


class Deadline:
    """The computing time that all patterns of one request may take together, from the first one on."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._end: float | None = None

    def remaining(self) -> float:
        """Seconds left, never negative."""
        now = time.thread_time()
        if self._end is None:
            self._end = now + self._seconds
        return max(0.0, self._end - now)


def matching(pattern: str, strings: Sequence[str], deadline: Deadline | None = None) -> list[int]:
    """Positions of the strings whose beginning matches `pattern` (`re.match`).

    Raises UsageError for a pattern that is malformed, too large, or not done before the deadline.
    """
    deadline = deadline or Deadline()
    match = _compile(pattern).match
    found: list[int] = []
    try:
        for position, string in enumerate(strings):
            # A timeout of 0 would mean none to the engine.
            if match(string, timeout=deadline.remaining() or 1e-6):
                found.append(position)
    except TimeoutError:
        raise UsageError(
            f"The regex {_short(pattern)} takes too long on this vocabulary: avoid nested repeats such as (a+)+."
        ) from None
    return found


def _compile(pattern: str) -> regex.Pattern[str]:
    if len(pattern) > MAX_PATTERN:
        raise UsageError(f"The regex has {len(pattern):,} characters; at most {MAX_PATTERN:,}. List words in 'words'.")
    counts = [max(int(n or 0) for n in found) for found in _COUNT.findall(pattern)]
    if math.prod(max(count, 1) for count in counts) > MAX_REPEATS:
        raise UsageError(f"The counted repeats of the regex {_short(pattern)} multiply to more than {MAX_REPEATS:,}.")
    try:
        return regex.compile(pattern)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise UsageError(f"Malformed regex {_short(pattern)}: {error}.") from None


def _short(pattern: str) -> str:
    return repr(pattern if len(pattern) <= 60 else pattern[:57] + "...")
