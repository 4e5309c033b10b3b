"""Reading what a language model wrote: arguments of calls, and labels that stand in a text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ...tools.errors import UsageError, shortened

_FENCED = re.compile(r"```(?:json)?\s*(\{.*\})\s*```", re.DOTALL)


def arguments_of(text: str) -> dict[str, Any]:
    """The arguments of a call; raises UsageError for what is no JSON object."""
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The arguments are no JSON ({shortened(str(error))}): write one JSON object.") from None
    if not isinstance(found, Mapping):
        raise UsageError("The arguments are no JSON object: write one, such as {}.")
    return dict(found)


def object_in(text: str) -> dict[str, Any]:
    """The JSON object that a text is, or holds as its only one; raises UsageError."""
    fenced = _FENCED.search(text)
    start, end = text.find("{"), text.rfind("}")
    for candidate in (text, fenced[1] if fenced else "", text[start : end + 1] if 0 <= start < end else ""):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, Mapping):
            return dict(found)
    raise UsageError(f"the reply holds no JSON object ({shortened(text.strip() or 'it is empty')}).")
