"""The language of input hypotheses: what is read, in which one form it is kept, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsea.tools.errors import UsageError
from tsea.tools.inputs.spec import InputSpec, parse_input_spec

SETS = st.sampled_from(["pos.CD", "topic.color"]).map(lambda name: {"library": name}) | st.just({"suffix": "ing"})
LEAVES = (
    st.builds(lambda s: {"token": s}, SETS)
    | st.builds(lambda s, n: {"previous": s, "within": n}, SETS, st.integers(1, 64))
    | st.builds(lambda s: {"next": s}, SETS)
    | st.sampled_from([{"text": "born in"}, {"position": 3}, {"position": [0, 9]}])
)
SPECS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts})
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts})
        | inner.map(lambda part: {"not": part})
    ),
    max_leaves=6,
)


@given(SPECS)
def test_the_canonical_form_reads_back_as_itself(data: dict) -> None:
    spec = parse_input_spec(data)
    again = parse_input_spec(spec.to_json())
    assert again.canonical() == spec.canonical() == parse_input_spec(json.dumps(data)).canonical()
    assert again.hash == spec.hash


def test_order_repeats_and_defaults_make_no_other_hypothesis() -> None:
    one = parse_input_spec({"any": [{"position": 0}, {"previous": "pos.CD", "within": 1}, {"position": [0, 0]}]})
    other = parse_input_spec({"any": [{"previous": {"library": "pos.CD"}}, {"position": [0, 0]}]})
    assert one.hash == other.hash
    assert one.hash != parse_input_spec({"any": [{"previous": "pos.CD", "within": 2}, {"position": 0}]}).hash


def test_a_bare_name_is_a_library_set_at_the_token_and_the_sign_for_a_space_is_one() -> None:
    assert parse_input_spec("pos.CD").canonical() == {"token": {"library": "pos.CD"}}
    assert parse_input_spec('{"text": "born␣in"}').canonical() == {"text": "born in"}
    spec = InputSpec.model_validate({"token": {"words": [" a"]}})
    assert parse_input_spec(spec) is spec


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('{"suffix": "ing"}', '{"token": {"suffix": ...}}'),
        ('{"previos": "pos.CD"}', "Did you mean previous"),
        ('{"token": {"sufix": "a"}}', "at token: unknown key 'sufix'"),
        ('{"previous": "pos.CD", "within": 0}', "from 1 to 64"),
        ('{"previous": "pos.CD", "within": "two"}', "from 1 to 64"),
        ('{"token": "pos.CD", "within": 2}', "'within' belongs to 'previous' only"),
        ('{"within": 3}', "none is given"),
        ('{"text": "a", "token": "pos.CD"}', "text and token stand together"),
        ('{"position": [3, 1]}', "[first, last]"),
        ('{"position": [-2, 1]}', "[first, last]"),
        ('{"position": "first"}', "one place or [first, last]"),
        ('{"text": ""}', "a regular expression"),
        ('{"token": 1}', "a token set"),
        ('{"any": []}', "one or more"),
        ('{"not": [{"position": 0}]}', "one of these objects"),
        ("[1]", "write for example"),
        ("{", "no JSON"),
        (r'{"text": "\d"}', "a backslash is written twice"),
        (json.dumps({"any": [{"position": 0}] * 300}), "parts"),
        ('{"not":' * 40 + '{"position": 0}' + "}" * 40, "levels deep"),
    ],
)
def test_what_is_malformed_is_refused_in_one_line_that_says_what_to_write(written: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_input_spec(written)
    assert message in str(refused.value) and "\n" not in str(refused.value)
    assert "Input should be" not in str(refused.value)
