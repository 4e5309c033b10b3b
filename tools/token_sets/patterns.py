"""Regular expressions written by others: `re.match` semantics over many strings, within limits of size and time."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import regex

from ..errors import UsageError, shortened

MAX_PATTERN = 1000  # characters
ONE_STRING_S = 0.25  # what backtracks without end is over with the first string that shows it
BLOCK = 32  # strings between two looks at the clock
LONGEST_PLAIN = 40  # characters of a string that plain patterns are matched against without a time limit
# The engine unrolls counted repeats when it compiles, which no time limit covers.
MAX_UNROLLED = 2_000_000  # characters times counts
_COUNT = re.compile(r"\{\s*(\d*)\s*,?\s*(\d*)\s*\}")
_REPEATED = re.compile(r"\)[*+?]|\(\?(?!:|i\))|\{")
_REPEAT = re.compile(r"[*+?](?![:i])")
_VERBOSE = re.compile(r"\(\?[a-zA-Z0-9]*x")
# What `re` means by \w and \s; the engine counts marks among the one and leaves four controls out of the other.
_CLASSES = {"w": r"\p{L}\p{N}_", "s": r"\s\x1c-\x1f"}


class Deadline:
    """The computing time that one pattern over so many strings may take, and all patterns of one request together."""

    def __init__(self, strings: int) -> None:
        # Most patterns take 3 microseconds a string, most of it the engine's asking for the computing time of the
        # process, and several times as long where the process has many threads.
        self.one = 0.3 + 12e-6 * strings
        self._left = 4 * self.one
        self._end = 0.0

    def start(self) -> None:
        """Begin a pattern."""
        self._end = time.thread_time() + min(self.one, self._left)

    def stop(self) -> None:
        """End a pattern: what it left of its time, the request keeps."""
        self._left -= max(0.0, min(self.one, self._left) - self.remaining())

    @property
    def shared(self) -> bool:
        """Whether other patterns took some of this one's time."""
        return self._left < self.one

    def remaining(self) -> float:
        """Seconds left for the pattern, never negative."""
        return max(0.0, self._end - time.thread_time())

    def timeout(self) -> float:
        """Seconds for each of the next strings; raises TimeoutError when none are left."""
        left = self.remaining()
        if not left:
            raise TimeoutError
        return min(left, ONE_STRING_S)


def matching(pattern: str, strings: Sequence[str], deadline: Deadline | None = None) -> list[int]:
    """Positions of the strings whose beginning matches `pattern` (`re.match`).

    Raises UsageError for a pattern that is malformed, too large, or not done before the deadline.
    """
    match = _compile(pattern).match
    longest = LONGEST_PLAIN if _is_plain(pattern) else -1
    deadline = deadline or Deadline(len(strings))
    with _within(deadline, pattern, "this vocabulary"):
        found: list[int] = []
        for start in range(0, len(strings), BLOCK):
            limit = deadline.timeout()
            for at, string in enumerate(strings[start : start + BLOCK], start):
                if match(string) if len(string) <= longest else match(string, timeout=limit):
                    found.append(at)
        return found


def spans(pattern: str, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
    """Where the pattern matches in each text (`re.finditer`) at least a character: the first one, and the end.

    Raises UsageError as `matching` does; a text has the time of as many strings as it has characters.
    """
    find = _compile(pattern).finditer
    deadline = Deadline(sum(map(len, texts)))
    with _within(deadline, pattern, "these texts"):
        return [[match.span() for match in find(text, timeout=deadline.timeout()) if match[0]] for text in texts]


@contextmanager
def _within(deadline: Deadline, pattern: str, what: str) -> Iterator[None]:
    """Matching within the deadline's time."""
    deadline.start()
    try:
        yield
    except TimeoutError:
        advice = "these are too many regexes, join some with |" if deadline.shared else "avoid nested repeats: (a+)+"
        raise UsageError(f"The regex {shortened(pattern)} takes too long on {what}: {advice}.") from None
    finally:
        deadline.stop()


def _is_plain(pattern: str) -> bool:
    """Whether so few repeats and groups, none in another, try at most some thousand ways on a short string.

    Asking the engine for a time limit takes several times as long as most matches do.
    """
    return not _REPEATED.search(pattern) and len(_REPEAT.findall(pattern)) <= 2 and pattern.count("(") <= 2


def _compile(pattern: str) -> regex.Pattern[str]:
    shown = shortened(pattern)
    if len(pattern) > MAX_PATTERN:
        raise UsageError(f"The regex has {len(pattern):,} characters; at most {MAX_PATTERN:,}. List words in 'words'.")
    if _VERBOSE.search(pattern):
        raise UsageError(f"The regex {shown} uses verbose mode, (?x): write it without spaces and comments instead.")
    counts = [max(int(n or 0) for n in found) for found in _COUNT.findall(pattern)]
    if len(pattern) * math.prod(max(count, 1) for count in counts) > MAX_UNROLLED:
        raise UsageError(
            f"The counted repeats of the regex {shown} multiply to too many: write + or *, or smaller counts."
        )
    try:
        return regex.compile(_as_python(pattern))
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise UsageError(f"Malformed regex {shown}: {shortened(str(error))}.") from None


def _as_python(pattern: str) -> str:
    r"""The pattern with \w, \W, \s and \S spelled out as `re` means them; inside [...] only \w and \s can be.

    There \W and \S, and \b anywhere, keep the engine's meaning, which differs on combining marks.
    """
    parts: list[str] = []
    inside = False
    for piece in re.finditer(r"\\.?|\[\^?\]?|.", pattern, re.DOTALL):
        text = piece[0]
        known = _CLASSES.get(text[1:].lower()) if len(text) == 2 and text[0] == "\\" else None
        if known is not None and text[1].islower():
            text = known if inside else f"[{known}]"
        elif known is not None and not inside:
            text = f"[^{known}]"
        elif text[0] == "[" and not inside:
            inside = True
        elif inside and text[0] != "\\" and text[-1] == "]":
            inside = False
        parts.append(text)
    return "".join(parts)
