"""Text from elsewhere is data: nothing in it acts, hides, or is long."""

from __future__ import annotations

import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsea.tools.inert import MAX_STRING, compact_json, inert, plain_data
from tsea.tools.results import TokenWeight

HIDDEN = "\u3164\ufe0f\U000e0173\u2800\u202eevil\u2066\u200b\ufeff\u2028\x1b[31m\x07\U000e0049\U000e0067\ud800\ue000"


def test_what_is_invisible_is_written_as_its_escape_and_what_is_read_stays() -> None:
    assert inert("\u202eab\x1b\U000e0041") == "\\u202eab\\x1b\\U000e0041"
    assert inert("a\ufe00\U000e0100\u3164") == "a\\ufe00\\U000e0100\\u3164"
    assert inert("a\nb\tc") == "a\nb\tc"
    for text in ("caf\u00e9 \u2423red \u4e2d\u6587 \U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467"):
        assert inert(text) == text


@given(st.text())
def test_no_text_keeps_a_hidden_character_or_grows_long(text: str) -> None:
    found = inert(HIDDEN + text)
    kept = {unicodedata.category(c) for c in found} - {unicodedata.category(c) for c in "\n\u200d"}
    assert not kept & {"Cs", "Co", "Cn", "Zl", "Zp"}
    assert all(c in "\n\t\u200c\u200d" or unicodedata.category(c) not in ("Cc", "Cf") for c in found)
    assert len(inert("x" * 5000 + text)) == MAX_STRING
    json.loads(compact_json(found)).encode("utf-8")


def test_data_are_rounded_and_what_is_unknown_is_left_out() -> None:
    found = plain_data(
        {
            "p": 1.23456e-12,
            "count": 123456,
            "whole": 3.0,
            "nothing": None,
            "unknown": float("nan"),
            "flag": True,
            "numpy": np.float32(0.125),
            "token": TokenWeight(token="\u202ea", id=1, weight=0.33333333),
            "nested": [{"x": None}, (1, None)],
        }
    )
    assert found == {
        "p": 1.235e-12,
        "count": 123456,
        "whole": 3,
        "flag": True,
        "numpy": 0.125,
        "token": {"token": "\\u202ea", "id": 1, "weight": 0.3333},
        "nested": [{}, [1, None]],
    }
    assert compact_json(found).startswith('{"p":1.235e-12,"count":123456,')


@pytest.mark.parametrize("value", [float("inf"), np.float64("nan")])
def test_no_number_that_json_lacks_gets_through(value: float) -> None:
    assert plain_data([value]) == [None]
