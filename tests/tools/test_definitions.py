"""Names that somebody gave token sets, inside specifications."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tsea.tools.definitions import check_name, expanded, short_name
from tsea.tools.errors import UsageError
from tsea.tools.token_sets.spec import parse_spec

KNOWN = {"my.colours": {"words": [" red"]}, "my.ing": {"suffix": "ing"}}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("my.colours", KNOWN["my.colours"]),
        ("pos.CD", "pos.CD"),
        ('{"library": "my.ing"}', KNOWN["my.ing"]),
        ('{"minus": ["my.colours", "pos.NN"]}', {"minus": [KNOWN["my.colours"], "pos.NN"]}),
        (
            '{"any": [{"not": "my.ing"}, {"library": "pos.CD"}]}',
            {"any": [{"not": KNOWN["my.ing"]}, {"library": "pos.CD"}]},
        ),
        ('{"previous": "my.colours", "within": 3}', {"previous": KNOWN["my.colours"], "within": 3}),
        (
            '{"all": [{"token": "my.ing"}, {"text": "my.ing"}]}',
            {"all": [{"token": KNOWN["my.ing"]}, {"text": "my.ing"}]},
        ),
        ('{"words": ["my.colours"]}', {"words": ["my.colours"]}),
    ],
)
def test_a_name_stands_for_its_set_where_a_set_stands_and_nowhere_else(written: str, read: Any) -> None:
    assert expanded(written, KNOWN) == read


def test_a_set_is_called_by_its_name_where_it_has_one() -> None:
    spec = parse_spec({"words": [" red"]})
    assert short_name(" my.colours ", spec) == "my.colours"
    assert short_name('{"words":   [" red"]}', spec) == {"words": [" red"]} == spec.canonical()


@pytest.mark.parametrize("written", ["my.color", '{"not": "my.nothing"}', "{", json.dumps({"any": ["x"] * 300_001})])
def test_unknown_names_and_malformed_text_are_errors(written: str) -> None:
    with pytest.raises(UsageError):
        expanded(written, KNOWN)


@pytest.mark.parametrize("name", ["colours", "my.", "my.Colours", "my.a b", "my." + "x" * 61, "pos.CD", "my.x\n"])
def test_a_name_is_short_plain_and_says_that_it_is_ones_own(name: str) -> None:
    check_name("my.colours_2")
    with pytest.raises(UsageError, match="write my"):
        check_name(name)


def test_in_an_input_hypothesis_a_bare_name_is_the_token_itself() -> None:
    colours = KNOWN["my.colours"]
    assert expanded("my.colours", KNOWN, inputs=True) == {"token": colours}
    written = '{"all": ["my.colours", {"not": "my.ing"}, {"previous": "my.ing"}, {"token": {"not": "my.colours"}}]}'
    assert expanded(written, KNOWN, inputs=True) == {
        "all": [{"token": colours}, {"not": {"token": KNOWN["my.ing"]}}, {"previous": KNOWN["my.ing"]}]
        + [{"token": {"not": colours}}]
    }
    with pytest.raises(UsageError, match="nested too deep"):
        expanded("[" * 900 + "]" * 900, KNOWN)
