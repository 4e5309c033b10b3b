"""The hypothesis language: one form for one set, and one clear line for everything malformed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tsea.tools.errors import UsageError
from tsea.tools.token_sets.expression import MAX_DEPTH
from tsea.tools.token_sets.spec import TokenSetSpec, parse_spec


def nested(levels: int) -> dict[str, Any]:
    data: dict[str, Any] = {"prefix": "a"}
    for _ in range(levels - 1):
        data = {"not": data}
    return data


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"words": ["a", "b"]}, {"words": ["b", "a", "b"]}),
        ({"ids": [3, 1]}, {"ids": [1, 3, 3]}),
        ({"regex": "a", "on": "text"}, {"regex": "a"}),
        ({"any": [{"prefix": "a"}, {"suffix": "b"}]}, {"any": [{"suffix": "b"}, {"prefix": "a"}, {"prefix": "a"}]}),
        ({"library": "pos.VBG"}, "pos.VBG"),
        ({"length": 3}, {"length": [3, 3]}),
        ({"words": ["a"], "inflected": False}, {"words": ["a"]}),
        ({"words": ["\u2423a"]}, {"words": [" a"]}),
        ({"regex": "\u2423[a\u2423]"}, {"regex": " [a ]"}),
        ({"any": ["pos.A", {"prefix": "a"}]}, {"any": [{"library": "pos.A"}, {"prefix": "a"}]}),
    ],
)
def test_the_same_set_written_differently_has_one_hash(one: Any, other: Any) -> None:
    assert parse_spec(one).hash == parse_spec(other).hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"words": ["a"]}, {"words": ["a"], "variants": "space"}),
        ({"regex": "a"}, {"regex": "a", "on": "raw"}),
        ({"minus": [{"prefix": "a"}, {"prefix": "b"}]}, {"minus": [{"prefix": "b"}, {"prefix": "a"}]}),
        ({"prefix": "a"}, {"suffix": "a"}),
        ({"words": ["a"]}, {"words": ["a"], "inflected": True}),
        ({"words": ["a"]}, {"words": ["a"], "first_piece": True}),
    ],
)
def test_different_sets_have_different_hashes(one: Any, other: Any) -> None:
    assert parse_spec(one).hash != parse_spec(other).hash


def test_canonical_json_reads_back_as_the_same_specification() -> None:
    spec = parse_spec(
        {"minus": [{"all": [{"words": ["b", "a"], "variants": "all"}, {"not": {"ids": [2]}}]}, {"library": "x"}]}
    )
    assert parse_spec(spec.to_json()).to_json() == spec.to_json()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"regx": "a"}, "unknown key 'regx'. Did you mean regex"),
        ({"any": [{"all": [{"regx": "a"}]}]}, "at any.0.all.0: unknown key"),
        ({"prefix": "a", "suffix": "b"}, "prefix and suffix stand together"),
        ({}, "none is given"),
        ({"words": ["a"], "on": "raw"}, "'on' belongs to 'regex'"),
        ({"regex": "a", "variants": "all"}, "'variants' belongs to 'words'"),
        (
            {"words": "dog"},
            "words: expected a list of one or more words, not the text 'dog'. Write for example {\"words\"",
        ),
        ({"any": []}, "one or more token sets, not an empty list"),
        ({"any": [3]}, "any.0: expected a token set: a library name or an object"),
        ({"words": ["a", 1]}, "words.1: expected a word in quotes, not the number 1"),
        ({"not": {"words": [], "inflected": True}}, "not.words: expected a list of one or more words"),
        ({"words": ["a"], "variants": "spaces"}, '"variants": "all"}'),
        ({"not": None}, "none is given"),
        ('["red", "blue"]', 'Write for example {"words": ["red", "blue"]}'),
        ({"length": [5, 3]}, "least first"),
        ({"length": "3"}, "expected a number of characters, or [least, most]"),
        ({"suffix": "s", "inflected": True}, "'inflected' belongs to 'words'"),
        ({"minus": [{"prefix": "a"}]}, "at minus: expected a list of exactly two token sets, [a, b], not a list of 1"),
        ('{"prefix": ', "no JSON"),
        ("[1]", "expected a token set: a library name or an object"),
    ],
)
def test_a_malformed_specification_is_refused_in_one_clear_line(wrong: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(wrong)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("huge", "message"),
    [
        (nested(1000), "levels deep"),
        ('{"not":' * 1000 + '{"prefix":"a"}' + "}" * 1000, "levels deep"),
        ({"words": [f"word{number}" for number in range(100_000)]}, "GMT file"),
        (json.dumps({"words": [f"word{number}" for number in range(100_000)]}), "GMT file"),
        ({"any": [{"prefix": "a"}] * 300}, "parts"),
    ],
    ids=["deep data", "deep JSON", "long list", "long JSON", "many parts"],
)
def test_what_is_too_large_is_refused_within_a_second(huge: Any, message: str) -> None:
    start = time.thread_time()
    with pytest.raises(UsageError, match=message):
        parse_spec(huge)
    assert time.thread_time() - start < 1


def test_nesting_up_to_the_limit_is_accepted() -> None:
    assert parse_spec(nested(MAX_DEPTH)).operator == "not"
    with pytest.raises(UsageError):
        parse_spec(nested(MAX_DEPTH + 1))


def test_the_json_schema_offers_the_keys_of_the_language() -> None:
    schema = TokenSetSpec.model_json_schema()["$defs"]["TokenSetSpec"]
    assert {"library", "regex", "words", "ids", "any", "all", "not", "minus"} <= schema["properties"].keys()
    assert schema["additionalProperties"] is False
