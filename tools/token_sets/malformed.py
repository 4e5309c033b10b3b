"""What is wrong with a written token set, in words of the language itself: where, what belongs there, an example."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import shortened


class _Expected(NamedTuple):
    """What stands under a key, what each item of it is where it is a list, and an example."""

    value: str
    example: Any
    item: str = ""


_PART = 'a token set: a library name or an object such as {"prefix": "un"}'
_EXPECTED = {
    "library": _Expected("the name of a library set, or a glob", "topic.*"),
    "pos": _Expected("a Penn treebank tag in quotes", "VBD"),
    "regex": _Expected("a pattern in quotes", " [a-z]+ing$"),
    "on": _Expected('"text" or "raw"', {"regex": "a", "on": "raw"}),
    "words": _Expected("a list of one or more words", ["red", " red"], "a word in quotes"),
    "variants": _Expected('"space", "case" or "all"', {"words": ["red"], "variants": "all"}),
    "inflected": _Expected("true or false", {"words": ["red"], "inflected": True}),
    "first_piece": _Expected("true or false", {"words": ["doghouse"], "first_piece": True}),
    "ids": _Expected("a list of one or more token ids", [464, 11], "a token id, a whole number"),
    "prefix": _Expected("the beginning of words, in quotes", "un"),
    "suffix": _Expected("the end of words, in quotes", "ing"),
    "contains": _Expected("a part of tokens, in quotes", "e"),
    "length": _Expected("a number of characters, or [least, most]", [3, 5], "a whole number of characters"),
    "script": _Expected("the name of a Unicode script, in quotes", "Greek"),
    "any": _Expected("a list of one or more token sets", [{"suffix": "ing"}, "pos.VBG"], _PART),
    "all": _Expected("a list of one or more token sets", [{"prefix": " "}, "pos.VBG"], _PART),
    "not": _Expected("one token set", {"prefix": " "}),
    "minus": _Expected("a list of exactly two token sets, [a, b]", [{"suffix": "ing"}, "pos.NN"], _PART),
}


def misplaced(location: Sequence[str | int], found: Any) -> str:
    """What belongs at a place (keys and positions from the outside in) that has something else, with an example."""
    place = next((i for i in reversed(range(len(location))) if location[i] in _EXPECTED), None)
    if place is None:
        example = {"words": found} if isinstance(found, list) and all(isinstance(x, str) for x in found) else None
        return f"expected {_PART}{_instead(found)}.{_such_as(example or {'suffix': 'ing'})}"
    key = str(location[place])
    expected = _EXPECTED[key]
    # A part that is missing is an error of the list that lacks it.
    inside = place < len(location) - 1 and bool(expected.item) and not isinstance(found, Mapping)
    example = expected.example if isinstance(expected.example, dict) and key in expected.example else {}
    return (
        f"expected {expected.item if inside else expected.value}{_instead(found)}."
        f"{_such_as(example or {key: expected.example})}"
    )


def _instead(found: Any) -> str:
    if found is None or isinstance(found, bool):
        return f", not {json.dumps(found)}"
    if isinstance(found, (int, float)):
        return f", not the number {found}"
    if isinstance(found, str):
        return f", not the text {shortened(found, 30)}"
    if isinstance(found, (list, tuple)):
        return f", not a list of {len(found)}" if found else ", not an empty list"
    return ", not an object" if isinstance(found, Mapping) else ""


def _such_as(example: Any) -> str:
    return f" Write for example {json.dumps(example, ensure_ascii=False)}."
