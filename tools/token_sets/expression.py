"""What the small JSON languages of tsea share: one operator an object, joins, limits, one canonical form."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from ..errors import UsageError, nearest, shortened

MAX_DEPTH = 16
MAX_PARTS = 200  # sub-specifications, all levels together
MAX_CHARACTERS = 200_000  # all strings together
MAX_IDS = 300_000  # all ids together
_FIELDS = {"any": "any_of", "all": "all_of", "not": "not_"}
JSON_NAMES = {field: name for name, field in _FIELDS.items()}


class Expression(BaseModel, ABC):
    """An object with exactly one of `operators` as its key, among them any, all and not, which join others."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, validate_by_alias=True)
    operators: ClassVar[tuple[str, ...]]

    @property
    def operator(self) -> str:
        """The one key of `operators` that this expression uses."""
        return next(name for name in self.operators if self.operand(name) is not None)

    def operand(self, name: str) -> Any:
        """The value under the JSON key `name`."""
        return getattr(self, _FIELDS.get(name, name))

    def canonical(self) -> dict[str, Any]:
        """The expression as JSON data in one form: equal for what differs only in order, repeats or defaults."""
        name, value = self.operator, self.operand(self.operator)
        if name in ("any", "all"):
            distinct = {canonical_json(part): part for part in (part.canonical() for part in value)}
            return {name: [distinct[key] for key in sorted(distinct)]}
        return {name: value.canonical()} if name == "not" else self.plain(name, value)

    @abstractmethod
    def plain(self, name: str, value: Any) -> dict[str, Any]:
        """The canonical form of an expression that is no join."""

    def to_json(self) -> str:
        """Canonical JSON text."""
        return canonical_json(self.canonical())

    @property
    def hash(self) -> str:
        """Content hash of the canonical JSON: the same for the same thing written in another order."""
        return hashlib.blake2b(self.to_json().encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def check_keys(
    data: Mapping[Any, Any],
    operators: Sequence[str],
    modifiers: Mapping[str, str],
    joining: str,
    like: Callable[[str, Sequence[str]], str] = nearest,
) -> None:
    """Raise ValueError for data that has another number of operators than one, or keys that are none.

    `modifiers` are keys that say more about an operator, each with the one it belongs to; null and false count as not
    given. `joining` says how several are joined, `like` what an unknown key may mean.
    """
    keys = [JSON_NAMES.get(str(k), str(k)) for k, value in data.items() if value is not None and value is not False]
    known = (*operators, *modifiers)
    if unknown := [key for key in keys if key not in known]:
        hint = like(unknown[0], known)
        raise ValueError(f"unknown key {shortened(unknown[0])}.{hint} Keys: {', '.join(known)}.")
    used = [key for key in keys if key in operators]
    if len(used) != 1:
        have = f"{' and '.join(used)} stand together" if used else "none is given"
        raise ValueError(f"use exactly one of {', '.join(operators)} ({have}); {joining}.")
    for key, operator in modifiers.items():
        if key in keys and used != [operator]:
            raise ValueError(f"'{key}' belongs to '{operator}' only.")


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
        elif isinstance(value, Expression):
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


def _too_deep() -> str:
    return f"nested more than {MAX_DEPTH} levels deep: flatten it with any and all."


def canonical_json(data: Any) -> str:
    """JSON text in one form: keys sorted, no spaces."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
