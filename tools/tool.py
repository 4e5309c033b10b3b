"""Tools: operations that a language model may call, each defined once for the MCP server and the labeling agent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import TseaError, UsageError, nearest, shortened
from .inert import compact_json, plain_data

if TYPE_CHECKING:
    from .investigation import Investigation

MAX_TEXT = 20_000  # characters of one string
MAX_CHARACTERS = 32_000  # of one answer: some 10,000 tokens, which clients begin to cut off
MAX_FEATURE = 2**31 - 1
Writes = Literal["nothing", "sets", "labels", "jobs"]

SubjectName = Annotated[
    str, Field(max_length=300, description="Subject by the name describe_subject gives; empty: the server's first one.")
]
Feature = Annotated[int, Field(ge=0, le=MAX_FEATURE, description="Index of the feature in the dictionary.")]
Cursor = Annotated[
    str, Field(max_length=200, description="next_cursor of the last answer, for what follows it; else empty.")
]
Detail = Annotated[
    Literal["concise", "detailed"], Field(description="detailed: more rows and figures, several times the length.")
]


class Arguments(BaseModel):
    """Arguments of a tool: flat, bounded, each with a description, none unknown, none null."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SubjectArguments(Arguments):
    """Arguments of a tool that asks about one subject."""

    subject: SubjectName = ""


@dataclass(frozen=True)
class Answer:
    """What a tool found: JSON data; `picture`, a PNG that adds nothing to them; and what a viewer draws (`plot`)."""

    content: Mapping[str, Any]
    picture: bytes | None = None
    plot: Mapping[str, Any] | None = None

    @cached_property
    def data(self) -> dict[str, Any]:
        """The content as a language model is given it: texts inert, numbers short."""
        return plain_data(self.content)  # type: ignore[no-any-return]

    @property
    def text(self) -> str:
        """The data as compact JSON; raises TseaError for more than MAX_CHARACTERS."""
        text = compact_json(self.data)
        if len(text) > MAX_CHARACTERS:
            raise TseaError(
                f"The answer has {len(text):,} characters, more than {MAX_CHARACTERS:,}: ask for less, with a smaller "
                "limit, fewer features or texts, or detail concise."
            )
        return text


_A = TypeVar("_A", bound=Arguments)


@dataclass(frozen=True)
class Tool(Generic[_A]):
    """One operation: `run` is given the investigation and valid arguments; `writes` says what it changes.

    `heavy` ones run the model or read whole dictionaries, and take turns; `job_only` ones take minutes.
    """

    name: str
    title: str
    description: str
    arguments: type[_A]
    run: Callable[[Investigation, _A], Answer] = field(repr=False)
    writes: Writes = "nothing"
    heavy: bool = True
    job_only: bool = False

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON schema of the arguments, without titles and with `additionalProperties` false."""
        found = self.arguments.model_json_schema()
        properties = {name: _without_title(value) for name, value in found.get("properties", {}).items()}
        required = {"required": found["required"]} if "required" in found else {}
        return {"type": "object", "properties": properties, **required, "additionalProperties": False}

    def parse(self, given: Mapping[str, Any]) -> _A:
        """Valid arguments; raises UsageError that names the tool, what is wrong and what belongs there."""
        try:
            return self.arguments.model_validate(self._lenient(given))
        except ValidationError as error:
            raise UsageError(f"{self.name}: {self._complaint(error)}") from None

    def __call__(self, investigation: Investigation, given: Mapping[str, Any]) -> Answer:
        """Run on arguments as a language model gives them."""
        return self.run(investigation, self.parse(given))

    def _lenient(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Some models write lists as JSON text, JSON text as objects and numbers as texts: read as what was meant."""
        read = dict(given)
        for name, value in given.items():
            known = self.arguments.model_fields.get(name)
            if known is None:
                continue
            wants_list = get_origin(known.annotation) is list
            if wants_list and isinstance(value, str):
                read[name] = _json_list(value)
            elif wants_list and isinstance(value, list):
                read[name] = [json.dumps(item) if isinstance(item, dict) else item for item in value]
            elif known.annotation is str and isinstance(value, dict | list):
                numbers = isinstance(value, list) and all(isinstance(item, int) for item in value)
                read[name] = ",".join(map(str, value)) if numbers else json.dumps(value)
            elif known.annotation is str and isinstance(value, int) and not isinstance(value, bool):
                read[name] = str(value)
        return read

    def _complaint(self, error: ValidationError) -> str:
        # A misspelt name first: what it stands for may be the one that is missing.
        errors = error.errors(include_url=False, include_context=False)
        first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
        name = str(first["loc"][0]) if first["loc"] else ""
        known = list(self.arguments.model_fields)
        if first["type"] == "extra_forbidden":
            return f"unknown argument {shortened(name)}.{nearest(name, known)} Arguments: {', '.join(known)}."
        if not name:
            return first["msg"].removeprefix("Value error, ")
        described = self.schema["properties"].get(name, {}).get("description", "")
        if first["type"] == "missing":
            return f"the argument {name} is missing. {described}"
        at = "".join(f"[{place}]" for place in first["loc"][1:])
        message = first["msg"].removeprefix("Value error, ")
        return f"{name}{at} is wrong: {message} (given: {shortened(str(first['input']))}). {described}"


def _json_list(value: str) -> Any:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return [value] if value else []
    return found if isinstance(found, list) else [value]


def _without_title(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _without_title(value) if isinstance(value, Mapping) else value
        for key, value in schema.items()
        if key != "title"
    }


def by_name(tools: Sequence[Tool[Any]]) -> dict[str, Tool[Any]]:
    """Tools by name; raises ValueError where two share one."""
    found = {tool.name: tool for tool in tools}
    if len(found) < len(tools):
        raise ValueError("Two tools share a name.")
    return found
