"""TokenSetSpec: the small JSON language in which people and language models write a token set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, model_validator

from ..errors import UsageError
from ..vocabulary import read_back
from .expression import Expression, check_keys, check_size, load_json
from .malformed import misplaced

OPERATORS = (
    "library", "pos", "regex", "words", "ids", "prefix", "suffix", "contains", "length", "script",
    "any", "all", "not", "minus",
)  # fmt: skip
# Keys that say more about an operator, each with the one it belongs to.
MODIFIERS = {"on": "regex", "variants": "words", "inflected": "words", "first_piece": "words"}
# Where tsea's own sign for a space is read as one.
_TEXTS = ("words", "prefix", "suffix", "contains", "regex")

Variants = Literal["space", "case", "all"]


class TokenSetSpec(Expression):
    """A set of tokens, written with exactly one of the keys below; it means the same on every tokenizer."""

    operators = OPERATORS

    library: str | None = Field(None, description='Name of a library set, or a glob: "pos.VBG", "topic.*".')
    regex: str | None = Field(None, description="Regular expression, matched from the start of each token (re.match).")
    on: Literal["text", "raw"] | None = Field(
        None, description='What `regex` sees: "text" (default; a leading space is a space) or "raw" vocabulary strings.'
    )
    words: list[str] | None = Field(None, min_length=1, description="Words, as written unless `variants` is given.")
    variants: Variants | None = Field(
        None,
        description='Spellings of `words` to add: "space" (with and without leading space), '
        '"case" (lower, Capitalised, UPPER), "all" (both).',
    )
    inflected: bool = Field(False, description="Add plurals, verb forms and comparison of `words` (-s, -ed, -er...).")
    first_piece: bool = Field(
        False,
        description="Where a word is no single token in any spelling, the first token of each stands for it (other "
        "words share that token).",
    )
    ids: list[int] | None = Field(None, min_length=1, description="Token ids.")
    pos: str | None = Field(None, description="Part of speech as a Penn treebank tag: VBD, NNS, JJ.")
    prefix: str | None = Field(
        None,
        min_length=1,
        description="What the word begins with; lower case ignores case. Without a space in front, either will do.",
    )
    suffix: str | None = Field(None, min_length=1, description="What the word ends with; lower case ignores case.")
    contains: str | None = Field(None, min_length=1, description="What the token holds; lower case ignores case.")
    length: tuple[int, int] | None = Field(
        None, description="[least, most] characters of the word, without the spaces around it; one number for both."
    )
    script: str | None = Field(None, description="Unicode script of one of its letters: Greek, Cyrillic, Han.")
    any_of: list[TokenSetSpec] | None = Field(None, alias="any", min_length=1, description="Tokens in any of these.")
    all_of: list[TokenSetSpec] | None = Field(None, alias="all", min_length=1, description="Tokens in all of these.")
    not_: TokenSetSpec | None = Field(None, alias="not", description="All other tokens.")
    minus: tuple[TokenSetSpec, TokenSetSpec] | None = Field(None, description="[a, b]: tokens of a that are not in b.")

    @model_validator(mode="before")
    @classmethod
    def _within_limits(cls, data: Any, info: ValidationInfo) -> Any:
        """Refuse what is nested too deep or too large before it is read part by part. A bare name is a library set."""
        measured = bool(info.context and info.context.get("measured"))
        if isinstance(data, str):
            return {"library": data}
        if isinstance(data, Mapping):
            if not measured:
                check_size(data)
            check_keys(data, OPERATORS, MODIFIERS, "join sets with any, all, not, minus")
            length = data.get("length")
            both = {"length": (length, length)} if isinstance(length, int) else {}
            return {**data, **both, **{key: _with_spaces(data[key]) for key in _TEXTS if key in data}}
        return data

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.length is not None and not 0 <= self.length[0] <= self.length[1]:
            raise ValueError(
                'length is [least, most], least first, none negative. Write for example {"length": [3, 5]}.'
            )
        return self

    @property
    def library_names(self) -> list[str]:
        """The library names and globs that it holds at any depth."""
        value = self.operand(self.operator)
        if self.operator == "library":
            return [value]
        parts = value if isinstance(value, (list, tuple)) else [value]
        return [name for part in parts if isinstance(part, TokenSetSpec) for name in part.library_names]

    def plain(self, name: str, value: Any) -> dict[str, Any]:
        if name == "minus":
            return {name: [part.canonical() for part in value]}
        written: dict[str, Any] = {name: sorted(set(value)) if isinstance(value, list) else value}
        if name == "length":
            written[name] = list(value)
        modifiers = {"on": self.on if self.on == "raw" else None} | {
            key: getattr(self, key) for key in MODIFIERS if key != "on"
        }
        return written | {key: value for key, value in modifiers.items() if value}


def parse_spec(value: TokenSetSpec | Mapping[str, Any] | str) -> TokenSetSpec:
    """Read a specification from JSON text, JSON data, or a bare library name or glob.

    Raises UsageError, in one line, for anything malformed or beyond the limits.
    """
    if isinstance(value, TokenSetSpec):
        return value
    if isinstance(value, str):
        value = load_json(value)
    try:
        if isinstance(value, Mapping):
            check_size(value)
        return TokenSetSpec.model_validate(value, context={"measured": True})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        # A list that lacks an item is wrong itself; the item is nowhere.
        location = first["loc"][:-1] if first["type"] == "missing" else first["loc"]
        where = ".".join(map(str, location))
        own = first["type"] == "value_error"  # raised below, in plain words already
        message = first["msg"].removeprefix("Value error, ") if own else misplaced(location, first["input"])
        raise UsageError(f"Malformed token set{f' at {where}' if where else ''}: {message}") from None
    except ValueError as error:
        raise UsageError(f"Malformed token set: {error}") from None


def _with_spaces(value: Any) -> Any:
    if isinstance(value, list):
        return [read_back(item) if isinstance(item, str) else item for item in value]
    return read_back(value) if isinstance(value, str) else value
