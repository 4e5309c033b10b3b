"""What a language model writes as arguments, and what it is told when that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from tsea.tools.errors import UsageError
from tsea.tools.tool import Answer, Arguments, Feature, Tool, by_name


class Given(Arguments):
    """Arguments of a tool."""

    feature: Feature
    specs: list[str] = Field([], max_length=3, description="Some specs.")
    spec: str = Field("", max_length=50, description="One spec.")
    share: float = Field(0.5, ge=0, le=1, description="A share.")


TOOL = Tool("look", "Look", "Looks.", Given, lambda _, given: Answer(given.model_dump()))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"feature": "7"}, {"feature": 7}),
        ({"feature": 7, "specs": '["a", "b"]'}, {"specs": ["a", "b"]}),
        ({"feature": 7, "specs": '{"suffix": "ing"}'}, {"specs": ['{"suffix": "ing"}']}),
        ({"feature": 7, "specs": [{"suffix": "ing"}, "pos.CD"]}, {"specs": ['{"suffix": "ing"}', "pos.CD"]}),
        ({"feature": 7, "specs": "pos.CD"}, {"specs": ["pos.CD"]}),
        ({"feature": 7, "specs": ""}, {"specs": []}),
        ({"feature": 7, "spec": {"suffix": "ing"}}, {"spec": '{"suffix": "ing"}'}),
        ({"feature": 7, "spec": 12}, {"spec": "12"}),
        ({"feature": 7, "spec": [3, 9]}, {"spec": "3,9"}),
    ],
)
def test_what_models_write_instead_is_read_as_meant(given: dict[str, Any], read: dict[str, Any]) -> None:
    assert TOOL.parse(given).model_dump() == TOOL.parse({"feature": 7}).model_dump() | read


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "look: the argument feature is missing. Index of the feature"),
        (
            {"featur": 7},
            "look: unknown argument 'featur'. Did you mean feature? Arguments: feature, specs, spec, share.",
        ),
        ({"feature": 7, "spex": 1}, "Did you mean spec"),
        ({"feature": None}, "look: feature is wrong: Input should be a valid integer (given: 'None')"),
        ({"feature": -1}, "greater than or equal to 0"),
        ({"feature": 2**40}, "less than or equal to"),
        ({"feature": 7, "specs": ["a", 3]}, r"look: specs[1] is wrong"),
        ({"feature": 7, "specs": list("abcd")}, "at most 3 items"),
        ({"feature": 7, "spec": "x" * 51}, "at most 50 characters"),
        ({"feature": 7, "share": float("nan")}, "share is wrong"),
    ],
)
def test_wrong_arguments_are_told_in_one_line_with_what_belongs_there(given: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        TOOL.parse(given)
    assert told in str(error.value) and "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_the_schema_is_flat_bounded_and_closed() -> None:
    assert TOOL.schema == {
        "type": "object",
        "properties": {
            "feature": {
                "type": "integer",
                "minimum": 0,
                "maximum": 2**31 - 1,
                "description": "Index of the feature in the dictionary.",
            },
            "specs": {
                "type": "array",
                "items": {"type": "string"},
                "maxItems": 3,
                "default": [],
                "description": "Some specs.",
            },
            "spec": {"type": "string", "maxLength": 50, "default": "", "description": "One spec."},
            "share": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5, "description": "A share."},
        },
        "required": ["feature"],
        "additionalProperties": False,
    }


def test_two_tools_of_one_name_are_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="share a name"):
        by_name([TOOL, TOOL])
