"""Rows as databases take them: every value plain, in an order that all writers keep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import inspect

from .tables import Base


def plain(value: Any) -> Any:
    """The value as JSON and databases know it: numpy's numbers as Python's, NaN and infinities as None.

    Characters that no database stores (NUL, halves of surrogate pairs) become U+FFFD.
    """
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return plain(value.tolist()) if isinstance(value, (np.generic, np.ndarray)) else value


def values(rows: Sequence[Base], **given: Any) -> list[dict[str, Any]]:
    """The rows as inserted, by feature where they have one: every column but the id, with what is `given` for each.

    Writers whose rows collide wait for each other; in one order, no two wait for one another.
    """
    if not rows:
        return []
    names = [column.key for column in inspect(type(rows[0])).columns if column.key != "id"]
    listed = [{name: plain(getattr(row, name)) for name in names} | given for row in rows]
    return sorted(listed, key=lambda row: row["feature"]) if "feature" in names else listed
