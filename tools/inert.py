"""Text from elsewhere (corpus, labels, token strings) as data: nothing in it can act or hide, and none of it is long.

JSON escapes what would break a line; what is invisible but still read by a model (control, format, private and
unassigned characters, among them the tag characters that can spell hidden instructions) is written as its escape.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

MAX_STRING = 1_200
DIGITS = 4
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_PLAIN = {"\n", "\t"}  # JSON writes them as \n and \t
# The zero-width joiners are part of words and emoji; alone they say nothing.
_KEPT = {"\u200c", "\u200d"}
# Letters and marks that are drawn as nothing (Unicode's Default_Ignorable_Code_Point, and the blank Braille pattern).
_BLANK = frozenset(
    [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, *range(0x180B, 0x1810)]
    + [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)


def inert(text: str, most: int = MAX_STRING) -> str:
    """The text without characters that hide or act, cut to `most` characters."""
    cut = text if len(text) <= most else f"{text[: most - 1]}\u2026"
    if cut.isascii() and cut.isprintable():
        return cut
    return "".join(c if _visible(c) else c.encode("unicode_escape", "surrogatepass").decode() for c in cut)


def _visible(character: str) -> bool:
    if character in _PLAIN or character in _KEPT:
        return True
    return ord(character) not in _BLANK and unicodedata.category(character) not in _HIDDEN


def plain_data(value: Any) -> Any:
    """JSON data of an answer: texts inert, numbers to DIGITS significant digits, what is None or NaN left out."""
    if isinstance(value, str):
        return inert(value)
    if isinstance(value, bool) or value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, Mapping):
        data = {inert(str(key)): plain_data(item) for key, item in value.items()}
        return {key: item for key, item in data.items() if item is not None}
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    if hasattr(value, "model_dump"):
        return plain_data(value.model_dump(mode="json", by_alias=True))
    return plain_data(value.item() if hasattr(value, "item") else str(value))


def compact_json(data: Any) -> str:
    """JSON text without spaces, as a language model is given it."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _rounded(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def brief(data: Any, most: int = 400) -> Any:
    """JSON data as they are where they are short, else the beginning of their text: for what a caller wrote itself."""
    text = compact_json(data)
    return data if len(text) <= most else f"{text[: most - 1]}\u2026"
