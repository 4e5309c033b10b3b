"""Which tokens an input hypothesis fits: every form beside its definition, token by token."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsea.tools.errors import UsageError
from tsea.tools.inputs.matching import matches
from tsea.tools.inputs.spec import parse_input_spec
from tsea.tools.vocabulary import Vocabulary

WORDS = ("a", " b", "cc", " a", "d1", "2")
VOCABULARY = Vocabulary(tuple(w.replace(" ", "Ġ") for w in WORDS), WORDS, frozenset())
ROWS = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=9), min_size=1, max_size=3)
SOME = st.sets(st.integers(0, 5), min_size=1).map(sorted)
SPECS = st.recursive(
    st.builds(lambda ids: {"token": {"ids": ids}}, SOME)
    | st.builds(lambda ids, n: {"previous": {"ids": ids}, "within": n}, SOME, st.integers(1, 5))
    | st.builds(lambda ids: {"next": {"ids": ids}}, SOME)
    | st.builds(lambda a, n: {"position": [a, a + n]}, st.integers(0, 6), st.integers(0, 3))
    | st.sampled_from([{"text": p} for p in ("a b", r"\d+", "c", "(?<=a)c+", "cd|ba", "^a", "b$")]),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts})
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts})
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=5,
)


def fits(spec: dict, row: list[int], at: int) -> bool:
    """The definition, one token at a time."""
    (key, value) = next((k, v) for k, v in spec.items() if k != "within")
    match key:
        case "any":
            return any(fits(part, row, at) for part in value)
        case "all":
            return all(fits(part, row, at) for part in value)
        case "not":
            return not fits(value, row, at)
        case "token":
            return row[at] in value["ids"]
        case "previous":
            return bool(set(row[max(0, at - spec.get("within", 1)) : at]) & set(value["ids"]))
        case "next":
            return at + 1 < len(row) and row[at + 1] in value["ids"]
        case "position":
            return value[0] <= at <= value[1]
    begin = len("".join(WORDS[t] for t in row[:at]))
    own = set(range(begin, begin + len(WORDS[row[at]])))
    text = "".join(WORDS[t] for t in row)
    return any(own & set(range(*m.span())) for m in re.finditer(value, text))


@given(ROWS, SPECS)
def test_every_form_fits_the_tokens_of_its_definition(rows: list[list[int]], spec: dict) -> None:
    found = matches(parse_input_spec(spec), [np.array(row) for row in rows], VOCABULARY)
    assert found.tolist() == [fits(spec, row, at) for row in rows for at in range(len(row))]


def test_no_rows_have_no_tokens() -> None:
    assert matches(parse_input_spec({"text": "a"}), [], VOCABULARY).shape == (0,)


def test_a_pattern_sees_characters_that_several_tokens_spell() -> None:
    symbols = {"日"[0].encode()[i] for i in range(3)}
    assert len(symbols) == 3
    vocabulary = Vocabulary(("Ġ", "æ", "Ĺ", "¥", "x"), (" ", "\ufffd", "\ufffd", "\ufffd", "x"), frozenset())
    row = np.array([4, 0, 1, 2, 3, 4])
    text, begin, end = vocabulary.spelled(row)
    assert text == "x 日x" and begin.tolist() == [0, 1, 2, 2, 2, 3] and end.tolist() == [1, 2, 3, 3, 3, 4]
    assert matches(parse_input_spec({"text": "日"}), [row], vocabulary).tolist() == [False, False, *[True] * 3, False]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"text": "("}, "Malformed regex"),
        ({"text": "(a|aa)+b(?<!b)"}, "takes too long on these texts"),
        ({"token": "pos.NOPE"}, "pos.NOPE"),
        ({"token": {"ids": [99]}}, "99"),
    ],
)
def test_hypotheses_that_cannot_be_matched_say_why(spec: dict, message: str) -> None:
    row = np.array([0] * 60 + [5])
    with pytest.raises(UsageError, match=re.escape(message)):
        matches(parse_input_spec(spec), [row], VOCABULARY)
