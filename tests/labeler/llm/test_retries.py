from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tsea.labeler.llm.retries import Retries, retry_after

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def test_waits_double_up_to_the_longest_with_jitter_of_half() -> None:
    retries = Retries(first=1.0, longest=5.0, seed=0)
    for failures, most in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (50, 5.0)]:
        waits = [retries.wait(failures) for _ in range(200)]
        assert most / 2 <= min(waits) < 0.55 * most and 0.95 * most < max(waits) <= most


def test_waits_are_those_of_their_seed() -> None:
    assert [Retries(seed=0).wait(k) for k in (1, 2, 3)] == [Retries(seed=0).wait(k) for k in (1, 2, 3)]
    assert Retries(seed=0).wait(1) != Retries(seed=1).wait(1)


def test_what_the_server_asks_for_is_bounded() -> None:
    assert Retries(longest_asked=30.0).asked(20.0) == 20.0
    assert Retries(longest_asked=30.0).asked(3600.0) == 30.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Fri, 01 May 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Fri, 01 May 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 01 May 2026 12:00:30 -0000"}, 30.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds
