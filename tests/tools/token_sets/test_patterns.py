"""Regexes of others: Python's meaning, and an end in time whatever they ask for."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest

from tsea.tools.errors import UsageError
from tsea.tools.token_sets.patterns import Deadline, matching

STRINGS = ["", "a", "ab", " ab", "AB", "a\nb", "12", "1a", "\u00e9", "aaa"]


@pytest.mark.parametrize(
    "pattern", ["a", "^a", "a$", r"\s*\w+$", "[A-Z]+", r"\d+(?!a)", "(a)(b)?", ".*b", "", "(?i)ab", "a{2,3}"]
)
def test_patterns_match_where_python_matches(pattern: str) -> None:
    assert matching(pattern, STRINGS) == [i for i, string in enumerate(STRINGS) if re.match(pattern, string)]


@pytest.mark.parametrize("pattern", ["(a|aa)+b", "(a?){40}a{40}b"])
def test_a_pathological_pattern_ends_in_time_with_a_clear_error(pattern: str) -> None:
    start = time.thread_time()
    with pytest.raises(UsageError, match="takes too long"):
        matching(pattern, ["a" * 60] * 1000)
    assert time.thread_time() - start < 1


def test_patterns_of_one_request_share_a_deadline() -> None:
    deadline = Deadline(0)
    start = time.thread_time()
    for _ in range(20):
        with pytest.raises(UsageError):
            matching("(a|aa)+b", ["a" * 60], deadline)
    assert time.thread_time() - start < 5 * deadline.one
    assert matching("a", []) == []


def test_too_many_slow_patterns_are_told_apart_from_one_pathological_one() -> None:
    deadline = Deadline(0)
    with pytest.raises(UsageError, match="nested repeats"):
        matching("(a|aa)+b", ["a" * 60], deadline)
    for _ in range(4):
        with pytest.raises(UsageError):
            matching("(a|aa)+b", ["a" * 60], deadline)
    with pytest.raises(UsageError, match="too many regexes"):
        matching("a", ["a" * 60] * 1000, deadline)


def test_patterns_in_time_leave_the_deadline_to_others() -> None:
    deadline, strings = Deadline(20_000), [f" word{number}" for number in range(20_000)]
    for letter in "abcdefgh":
        assert matching(f" [{letter}w][a-z]+1", strings, deadline)


# Characters that Python knows: the engine may know a later Unicode.
EVERY = [c for c in map(chr, range(0x3100)) if unicodedata.category(c) not in ("Cn", "Cs")]


@pytest.mark.parametrize(
    "pattern",
    [r"\w", r"\W", r"\s", r"\S", r"\d", r"[\w-]", r"[^\w\s]", r"[]\s]", r"\\w", r"[\]\w]", r"[a[]\w", r"[^]a]\s"],
)
def test_classes_of_characters_are_those_of_python(pattern: str) -> None:
    strings = [*EVERY, "\\w", "[a", "[-", "b\x1c"]
    expected = [i for i, string in enumerate(strings) if re.match(pattern, string)]
    assert matching(pattern, strings) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "Malformed regex"),
        ("[z-a]", "Malformed regex"),
        ("(" * 400 + ")" * 400, "Malformed regex"),
        ("a" * 1001, "at most"),
        ("a{99999999}", "counted repeats"),
        ("(?:(?:a{1000}){1000}){1000}", "counted repeats"),
        ("(?:a{,60000}){60000}", "counted repeats"),
        ("(?xi)a{1 000 000}", "verbose mode"),
        ("a\\", "Malformed regex"),
    ],
)
def test_a_malformed_or_oversized_pattern_is_refused_at_once(pattern: str, message: str) -> None:
    start = time.thread_time()
    with pytest.raises(UsageError, match=message):
        matching(pattern, STRINGS)
    assert time.thread_time() - start < 1
