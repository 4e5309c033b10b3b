from __future__ import annotations

import pytest

from tsea.evals.judge.reading import BIT, RATING, TEXT, Kind, choice, entries
from tsea.tools.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"1": 1, "2": 0}', {0: 1, 1: 0}),
        ('{"2": true, "1": false}', {0: 0, 1: 1}),
        ("[1, 0]", {0: 1, 1: 0}),
        ('```json\n{"1": 1, "2": 0}\n```', {0: 1, 1: 0}),
        ('\n {"1": 1}\n', {0: 1}),
        ('{"1": 1, "2": "no"}', {0: 1}),
        ('{"1": 2, "2": 0.5}', {}),
        ('{"1": null, "2": 0}', {1: 0}),
    ],
)
def test_numbered_answers_are_read_and_others_left_out(text: str, expected: dict[int, int]) -> None:
    assert entries(text, 2, BIT) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The first text fits the label, the second does not.",
        'Here it is: {"1": 1, "2": 0}',
        '{"1": 1, "2": 0} I hope this helps.',
        '{"1": 1, "1": 0}',
        "[1]",
        "[1, 0, 1]",
        "1",
        '{"3": 1}',
        '{"answers": {"1": 1, "2": 0}}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_no_answer(text: str) -> None:
    with pytest.raises(UsageError):
        entries(text, 2, BIT)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (RATING, "7", 7.0),
        (RATING, "2.5", 2.5),
        (RATING, "11", None),
        (RATING, "-1", None),
        (RATING, "true", None),
        (RATING, "NaN", None),
        (choice("AB"), '"B"', 1),
        (choice("AB"), '"C"', None),
        (choice("AB"), '"AB"', None),
        (choice("AB"), "[]", None),
        (TEXT, '"A text."', "A text."),
        (TEXT, '" "', None),
        (TEXT, f'"{"x" * 1_001}"', None),
    ],
)
def test_each_kind_of_answer_has_its_values(kind: Kind, given: str, value: object) -> None:
    assert entries(f'{{"1": {given}}}', 1, kind).get(0) == value
