"""TokenSetSpec: the small JSON language in which people and language models write a token set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, model_validator

from ..errors import UsageError, nearest, shortened
from ..vocabulary import read_back
from .malformed import misplaced

OPERATORS = (
    "library", "pos", "regex", "words", "ids", "prefix", "suffix", "contains", "length", "script",
    "any", "all", "not", "minus",
)  # fmt: skip
# Keys that say more about an operator, each with the one it belongs to.
MODIFIERS = {"on": "regex", "variants": "words", "inflected": "words", "first_piece": "words"}
MAX_DEPTH = 16
MAX_PARTS = 200  # sub-specifications, all levels together
MAX_CHARACTERS = 200_000  # all strings together
MAX_IDS = 300_000  # all ids together

# Where tsea's own sign for a space is read as one.
_TEXTS = ("words", "prefix", "suffix", "contains", "regex")

Variants = Literal["space", "case", "all"]


class TokenSetSpec(BaseModel):
    """A set of tokens, written with exactly one of the keys below; it means the same on every tokenizer."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)

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
            _check_keys(data)
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
    def operator(self) -> str:
        """The one key of OPERATORS that this specification uses."""
        return next(name for name in OPERATORS if self.operand(name) is not None)

    def operand(self, name: str) -> Any:
        """The value under the JSON key `name`."""
        return getattr(self, {"any": "any_of", "all": "all_of", "not": "not_"}.get(name, name))

    @property
    def library_names(self) -> list[str]:
        """The library names and globs that it holds at any depth."""
        value = self.operand(self.operator)
        if self.operator == "library":
            return [value]
        parts = value if isinstance(value, (list, tuple)) else [value]
        return [name for part in parts if isinstance(part, TokenSetSpec) for name in part.library_names]

    def canonical(self) -> dict[str, Any]:
        """The specification as JSON data in one form: equal for what differs only in order, repeats or defaults."""
        name, value = self.operator, self.operand(self.operator)
        if name in ("any", "all"):
            parts = [part.canonical() for part in value]
            distinct = {canonical_json(part): part for part in parts}
            return {name: [distinct[key] for key in sorted(distinct)]}
        if name == "minus":
            return {name: [part.canonical() for part in value]}
        if name == "not":
            return {name: value.canonical()}
        plain: dict[str, Any] = {name: sorted(set(value)) if isinstance(value, list) else value}
        if name == "length":
            plain[name] = list(value)
        modifiers = {"on": self.on if self.on == "raw" else None} | {
            key: getattr(self, key) for key in MODIFIERS if key != "on"
        }
        return plain | {key: value for key, value in modifiers.items() if value}

    def to_json(self) -> str:
        """Canonical JSON text."""
        return canonical_json(self.canonical())

    @property
    def hash(self) -> str:
        """Content hash of the canonical JSON: the same for the same set written in another order."""
        return hashlib.blake2b(self.to_json().encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


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


def load_json(text: str, what: str = "token set", example: str = '{"suffix": "ing"}') -> Any:
    """JSON data of a text; a text that is no object or list is itself the data, a bare name.

    Raises UsageError, speaking of `what`, for texts that are too long or no JSON.
    """
    if len(text) > 2 * MAX_CHARACTERS:
        raise UsageError(f"The {what} has {len(text):,} characters: put long lists into a GMT file of the library.")
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except RecursionError:
        raise UsageError(f"Malformed {what}: {_too_deep()}") from None
    except ValueError as error:  # a number with thousands of digits too
        hint = " In JSON a backslash is written twice." if "escape" in str(error) else ""
        raise UsageError(f"The {what} is no JSON: {error}.{hint} Write for example {example}.") from None


def check_size(data: Mapping[Any, Any]) -> None:
    """Raise ValueError for data beyond the limits, before it is read part by part.

    Walks without recursion, stopping at the first limit that is passed.
    """
    parts = characters = ids = 0
    queue: list[tuple[Any, int]] = [(data, 1)]
    while queue:
        value, depth = queue.pop()
        if isinstance(value, int):  # first: there may be many
            ids += 1
        elif isinstance(value, Mapping):
            parts += 1
            if depth > MAX_DEPTH:
                raise ValueError(_too_deep())
            queue.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, (list, tuple)):
            if len(value) > MAX_IDS:  # too many of whatever they are
                ids = len(value)
            else:
                queue.extend((item, depth) for item in value)
        elif isinstance(value, TokenSetSpec):
            queue.append((value.canonical(), depth))
        elif isinstance(value, str):
            characters += len(value)
        else:
            ids += 1
        if parts > MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} parts: put the set into a GMT file of the library.")
        if characters > MAX_CHARACTERS or ids > MAX_IDS:
            most = f"{MAX_CHARACTERS:,} characters or {MAX_IDS:,} ids"
            raise ValueError(f"more than {most}: put long lists into a GMT file of the library.")


def _check_keys(data: Mapping[Any, Any]) -> None:
    names = {"any_of": "any", "all_of": "all", "not_": "not"}
    keys = [names.get(str(key), str(key)) for key, value in data.items() if value is not None and value is not False]
    known = (*OPERATORS, *MODIFIERS)
    if unknown := [key for key in keys if key not in known]:
        raise ValueError(f"unknown key {shortened(unknown[0])}.{nearest(unknown[0], known)} Keys: {', '.join(known)}.")
    used = [key for key in keys if key in OPERATORS]
    if len(used) != 1:
        have = f"{' and '.join(used)} stand together" if used else "none is given"
        raise ValueError(f"use exactly one of {', '.join(OPERATORS)} ({have}); join sets with any, all, not, minus.")
    for key, operator in MODIFIERS.items():
        if key in keys and used != [operator]:
            raise ValueError(f"'{key}' belongs to '{operator}' only.")


def _too_deep() -> str:
    return f"nested more than {MAX_DEPTH} levels deep: flatten it with any and all."


def canonical_json(data: Any) -> str:
    """JSON text in one form: keys sorted, no spaces."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
