"""InputSpec: the small JSON language in which people and language models write what makes a feature fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from pydantic import Field, ValidationError, ValidationInfo, model_validator

from ..errors import UsageError, nearest
from ..token_sets.expression import Expression, check_keys, check_size, load_json
from ..token_sets.spec import OPERATORS as SET_OPERATORS
from ..token_sets.spec import TokenSetSpec
from ..vocabulary import read_back

OPERATORS = ("token", "previous", "next", "text", "position", "any", "all", "not")
MODIFIERS = {"within": "previous"}  # what says more about an operator
MAX_WITHIN = 64
_EXAMPLE = '{"previous": {"words": [" the"]}}'
_EXPECTED = {
    "token": 'a token set, as in {"token": "pos.CD"}',
    "previous": 'a token set, as in {"previous": {"words": [" the"]}, "within": 3}',
    "within": f'a number of tokens from 1 to {MAX_WITHIN}, as in {{"previous": "pos.CD", "within": 3}}',
    "next": 'a token set, as in {"next": {"suffix": "ing"}}',
    "text": r'a regular expression in quotes, as in {"text": "(?<=born in )\\\\d+"}',
    "position": 'one place or [first, last], as in {"position": [0, 3]}',
    "any": 'a list of one or more of these objects, as in {"any": [{"token": "pos.CD"}, {"position": 0}]}',
    "all": 'a list of one or more of these objects, as in {"all": [{"token": "pos.CD"}, {"position": 0}]}',
    "not": 'one of these objects, as in {"not": {"position": 0}}',
}


class InputSpec(Expression):
    """Which tokens of a text a feature fires on, written with exactly one of the keys below."""

    operators = OPERATORS

    token: TokenSetSpec | None = Field(None, description="The token is one of this set.")
    previous: TokenSetSpec | None = Field(None, description="One of the `within` tokens before it is of this set.")
    within: int = Field(1, ge=1, le=MAX_WITHIN, description="How many tokens `previous` looks back.")
    next: TokenSetSpec | None = Field(None, description="The token that really follows is one of this set.")
    text: str | None = Field(
        None,
        min_length=1,
        description="Regular expression, searched in the text around: the token lies in a match, wholly or partly. "
        r'What must only stand before it goes into a lookbehind: "(?<=born in )\\d+".',
    )
    position: tuple[int, int] | None = Field(
        None, description="[first, last] place in the context; 0 is the first token of text. One number for both."
    )
    any_of: list[InputSpec] | None = Field(None, alias="any", min_length=1, description="Any of these fits the token.")
    all_of: list[InputSpec] | None = Field(None, alias="all", min_length=1, description="All of these fit the token.")
    not_: InputSpec | None = Field(None, alias="not", description="All other tokens.")

    @model_validator(mode="before")
    @classmethod
    def _readable(cls, data: Any, info: ValidationInfo) -> Any:
        """Refuse what is too large before it is read part by part. A bare name is a library set at the token."""
        if isinstance(data, str):
            return {"token": data}
        if not isinstance(data, Mapping):
            return data
        if not (info.context and info.context.get("measured")):
            check_size(data)
        check_keys(data, OPERATORS, MODIFIERS, "join them with all, any, not", _like)
        place = data.get("position")
        own = {"position": (place, place)} if isinstance(place, int) else {}
        text = data.get("text")
        return {**data, **own, **({"text": read_back(text)} if isinstance(text, str) else {})}

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.position is not None and not 0 <= self.position[0] <= self.position[1]:
            raise ValueError('position is [first, last], the first not behind the last, as in {"position": [0, 3]}.')
        return self

    @property
    def token_sets(self) -> list[TokenSetSpec]:
        """The token sets that it holds at any depth."""
        value = self.operand(self.operator)
        parts = value if isinstance(value, list) else [value]
        own = [part for part in parts if isinstance(part, TokenSetSpec)]
        return own + [one for part in parts if isinstance(part, InputSpec) for one in part.token_sets]

    def plain(self, name: str, value: Any) -> dict[str, Any]:
        if name in ("text", "position"):
            return {name: list(value) if name == "position" else value}
        return {name: value.canonical()} | ({"within": self.within} if self.within > 1 else {})


def parse_input_spec(value: InputSpec | Mapping[str, Any] | str) -> InputSpec:
    """Read an input hypothesis from JSON text, JSON data, or a bare library name (the token is one of that set).

    Raises UsageError, in one line, for anything malformed or beyond the limits of token sets.
    """
    if isinstance(value, InputSpec):
        return value
    data = load_json(value, "input hypothesis", _EXAMPLE) if isinstance(value, str) else value
    try:
        if isinstance(data, Mapping):
            check_size(data)
        return InputSpec.model_validate(data, context={"measured": True})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise UsageError(f"Malformed input hypothesis{_what(first)}") from None
    except ValueError as error:
        raise UsageError(f"Malformed input hypothesis: {error}") from None


def _what(error: Any) -> str:
    """What is wrong with a value, and what belongs there."""
    keys = [key for key in error["loc"] if isinstance(key, str)]
    where = f" at {'.'.join(keys)}" if keys else ""
    if error["type"] == "value_error":  # raised here, or by the token set
        return f"{where}: {error['msg'].removeprefix('Value error, ')}"
    operator = next((key for key in reversed(keys) if key in _EXPECTED), None)
    if operator is None or keys[-1] in SET_OPERATORS and keys[-1] not in OPERATORS:
        return f"{where}: write for example {_EXAMPLE}."
    return f"{where}: write {_EXPECTED[operator]}."


def _like(key: str, known: Sequence[str]) -> str:
    """What an unknown key may mean: one of the known ones, or a token set without its place."""
    placed = f' Say where the set stands: {{"token": {{"{key}": ...}}}}.'
    return placed if key in SET_OPERATORS else nearest(key, known)
