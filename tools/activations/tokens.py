"""Cutting texts of any length into tokens, piece by piece: the same tokens as those of the whole text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_PIECE = 100_000  # characters that are cut into tokens at once
_SHARED = 2_000  # characters of a piece that the next one has too
_ALIKE = 4  # tokens before and behind the place where two pieces are joined that must be the same in both
_SURROGATE = re.compile("[\ud800-\udfff]")


def tokens_of(tokenizer: Any, text: str) -> Iterator[np.ndarray]:
    """The tokens of a text, int64, in parts of any length; names of special tokens in it are text like any other.

    How a text is cut depends on what stands around, and some tokenizers put a space before all that they are given. So
    pieces overlap, and are joined inside a run of tokens that both have: there, neither beginning nor end of a piece
    tells any more. Without such a run the piece grows, as far as the whole text. That is cut at once by tokenizers that
    do not say where in it their tokens stand.
    """
    text = _SURROGATE.sub("\ufffd", text)
    if len(text) <= _PIECE or not tokenizer.is_fast:
        yield _ids(_encoded(tokenizer, text))
        return
    begin, size, joined = 0, _PIECE, 0
    here = _cut(tokenizer, text, begin, size)
    while begin + size < len(text):
        shared = here.since(begin + max(size // 2, size - _SHARED))
        start = int(shared.starts[0]) if len(shared.ids) else len(text)
        there = _cut(tokenizer, text, start, _PIECE)
        place = _joint(shared, there)
        if place is None:
            size *= 2
            here = _cut(tokenizer, text, begin, size).since(joined)
        else:
            yield here.ids[here.starts < place]
            begin, size, joined = start, _PIECE, place
            here = there.since(joined)
    yield here.ids


@dataclass(frozen=True)
class _Cut:
    """Token ids (n,) and where in the text each starts and ends; bytes of one character stand at the same place."""

    ids: np.ndarray
    starts: np.ndarray
    ends: np.ndarray

    def since(self, place: int) -> _Cut:
        """The tokens that start there or later."""
        own = slice(int(np.searchsorted(self.starts, place)), None)
        return _Cut(self.ids[own], self.starts[own], self.ends[own])


def _cut(tokenizer: Any, text: str, begin: int, size: int) -> _Cut:
    """The tokens of a piece alone."""
    found = _encoded(tokenizer, text[begin : begin + size], return_offsets_mapping=True)
    places = np.array(found["offset_mapping"], np.int64).reshape(-1, 2) + begin
    return _Cut(_ids(found), places[:, 0], places[:, 1])


def _joint(here: _Cut, there: _Cut) -> int | None:
    """Where a token starts in both, amid _ALIKE others on both sides that are in both; None where there is none."""
    if not len(there.ids):
        return None
    here = here.since(int(there.starts[0]))
    # Tokens that start at the same place are compared in their order.
    order = np.arange(len(here.ids)) - np.searchsorted(here.starts, here.starts)
    at = np.minimum(np.searchsorted(there.starts, here.starts) + order, len(there.ids) - 1)
    same = (here.ids == there.ids[at]) & (here.starts == there.starts[at]) & (here.ends == there.ends[at])
    # Between tokens of their own places, not inside a character.
    clean = (here.starts[1:] > here.starts[:-1]) & (here.starts[1:] >= here.ends[:-1])
    for number in range(_ALIKE, len(same) - _ALIKE):
        if clean[number - 1] and same[number - _ALIKE : number + _ALIKE + 1].all():
            return int(here.starts[number])
    return None


def _encoded(tokenizer: Any, text: str, **options: bool) -> Any:
    return tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False, **options)


def _ids(encoded: Any) -> np.ndarray:
    return np.array(encoded["input_ids"], np.int64)
