"""Token sets that somebody named during an investigation, and how a specification that uses such a name is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .errors import UsageError, nearest, shortened
from .inert import brief
from .token_sets.expression import check_size, load_json
from .token_sets.spec import TokenSetSpec

PREFIX = "my."
_NAME = re.compile(r"my\.[a-z0-9_]{1,60}")
_JOINS = {"any", "all", "not"}
# Keys whose values are token sets, in the language of token sets and in that of inputs.
_SETS = {"minus", "token", "previous", "next"}


def check_name(name: str) -> None:
    """Raise UsageError for what cannot be the name of such a set."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{shortened(name)} cannot name a set: write my. and lower-case letters, digits or _, as in my.colours."
        )


def expanded(spec: str, known: Mapping[str, Mapping[str, Any]], *, inputs: bool = False) -> Mapping[str, Any] | str:
    """A specification with every such name replaced by the set that it stands for; of `inputs`, by the token of it.

    Raises UsageError for what is no JSON, beyond the limits, or names a set that nobody defined.
    """
    data = load_json(spec)
    if isinstance(data, Mapping):
        try:
            check_size(data)
        except ValueError as error:
            raise UsageError(f"Malformed token set: {error}") from None
    try:
        return _expanded(data, known, inputs)
    except RecursionError:
        raise UsageError("Malformed token set: nested too deep. Flatten it with any and all.") from None


def short_name(written: str, spec: TokenSetSpec) -> Any:
    """What an answer calls a written set: the name by which it was given, or the beginning of its specification."""
    return written.strip() if isinstance(load_json(written), str) else brief(spec.canonical())


def _expanded(value: Any, known: Mapping[str, Mapping[str, Any]], inputs: bool) -> Any:
    if isinstance(value, str) and value.startswith(PREFIX):
        if value not in known:
            have = f" Defined: {', '.join(known)}." if known else " define_token_set makes one."
            raise UsageError(f"No set {shortened(value)} was defined in this run.{nearest(value, known)}{have}")
        return {"token": known[value]} if inputs else known[value]
    if isinstance(value, list):
        return [_expanded(item, known, inputs) for item in value]
    if isinstance(value, Mapping):
        if set(value) == {"library"} and str(value["library"]).startswith(PREFIX):
            return _expanded(value["library"], known, False)
        return {
            key: _expanded(item, known, inputs and key in _JOINS) if key in _JOINS | _SETS else item
            for key, item in value.items()
        }
    return value
