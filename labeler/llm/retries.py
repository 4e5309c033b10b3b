"""When a request is sent again: after exponential backoff with jitter, and not before the server says."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class Retries:
    """At most `attempts` requests; waits in seconds, doubling from `first` to at most `longest`.

    `longest_asked` bounds what a server may ask for in Retry-After.
    """

    def __init__(
        self,
        attempts: int = 6,
        first: float = 1.0,
        longest: float = 60.0,
        longest_asked: float = 120.0,
        seed: int | None = None,
    ) -> None:
        self.attempts = attempts
        self._first, self._longest, self._longest_asked = first, longest, longest_asked
        self._random = random.Random(seed)

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures: half to all of the backoff."""
        return min(self._longest, self._first * 2.0 ** (failures - 1)) * self._random.uniform(0.5, 1.0)

    def asked(self, seconds: float) -> float:
        """What the server asked for, within bounds."""
        return min(seconds, self._longest_asked)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that Retry-After (seconds or a date) or retry-after-ms asks for, or None where neither says any."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    given = headers.get("retry-after", "")
    seconds = _number(given)
    if seconds is not None:
        return seconds
    try:
        date = parsedate_to_datetime(given)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
