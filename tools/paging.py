"""Long lists in pages: a cursor says where the next one begins, and only in the list that it came from."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

from .errors import UsageError

_T = TypeVar("_T")


def page(items: Sequence[_T], limit: int, cursor: str, *query: object) -> tuple[list[_T], dict[str, Any]]:
    """Up to `limit` of the items from where `cursor` says, and what an answer adds: `total`, and `next_cursor` if any.

    `query` is what the list came from. Raises UsageError for a cursor of another list.
    """
    digest = hashlib.blake2b(repr(query).encode(), digest_size=6).digest()
    start = _start(cursor, digest) if cursor else 0
    chosen, stop = list(items[start : start + limit]), start + limit
    more = {"next_cursor": base64.urlsafe_b64encode(digest + stop.to_bytes(5)).decode()} if stop < len(items) else {}
    return chosen, {"total": len(items), **more}


def _start(cursor: str, digest: bytes) -> int:
    try:
        found = base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        found = b""
    if len(found) != len(digest) + 5 or not found.startswith(digest):
        raise UsageError(
            "That cursor belongs to another list: repeat the arguments of the call that gave it, or leave "
            "the cursor out to begin at the start."
        )
    return int.from_bytes(found[len(digest) :])
