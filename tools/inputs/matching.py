"""From an input hypothesis to the tokens of texts that it speaks of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..token_sets.library import TokenSetLibrary
from ..token_sets.patterns import spans
from ..token_sets.resolve import resolve
from ..token_sets.spec import TokenSetSpec
from ..vocabulary import Vocabulary
from .spec import InputSpec


def matches(
    spec: InputSpec, rows: Sequence[np.ndarray], vocabulary: Vocabulary, library: TokenSetLibrary | None = None
) -> np.ndarray:
    """Whether `spec` fits each token of rows of token ids, one row after another, bool (tokens of all rows,).

    Each row is a text of its own: nothing stands before its first token or behind its last. Raises UsageError for
    unknown sets and regexes that are malformed or take too long.
    """
    lengths = np.array([len(row) for row in rows], np.int64)
    tokens = np.concatenate([*rows, np.empty(0, np.int64)]).astype(np.int64)
    place = np.arange(len(tokens)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    left = np.repeat(lengths, lengths) - place - 1
    return _Matcher(rows, tokens, place, left, vocabulary, library).mask(spec)


@dataclass(frozen=True)
class _Matcher:
    """`place` tokens of its row stand before each token, `left` behind it."""

    rows: Sequence[np.ndarray]
    tokens: np.ndarray
    place: np.ndarray
    left: np.ndarray
    vocabulary: Vocabulary
    library: TokenSetLibrary | None

    def mask(self, spec: InputSpec) -> np.ndarray:
        match spec.operator:
            case "any" | "all":
                join = np.logical_or if spec.operator == "any" else np.logical_and
                return join.reduce([self.mask(part) for part in spec.operand(spec.operator)])
            case "not":
                return ~self.mask(spec.operand("not"))
            case "position":
                first, last = spec.operand("position")
                return (self.place >= first) & (self.place <= last)
            case "text":
                return self._in_matches(spec.operand("text"))
            case "token":
                return self._of(spec.operand("token"))
            case "next":
                return np.append(self._of(spec.operand("next"))[1:], False) & (self.left > 0)
            case _:
                return self._behind(self._of(spec.operand("previous")), spec.within)

    def _of(self, spec: TokenSetSpec) -> np.ndarray:
        table = np.zeros(len(self.vocabulary), bool)
        table[resolve(spec, self.vocabulary, self.library).ids] = True
        return table[self.tokens]

    def _behind(self, members: np.ndarray, within: int) -> np.ndarray:
        """Tokens with a member among the `within` tokens before them in the row."""
        found = np.zeros(len(members), bool)
        for back in range(1, min(within, len(members) - 1) + 1):
            found[back:] |= members[:-back] & (self.place[back:] >= back)
        return found

    def _in_matches(self, pattern: str) -> np.ndarray:
        texts = [self.vocabulary.spelled(row) for row in self.rows]
        parts = [np.empty(0, bool)]
        for found, (_, begin, end) in zip(spans(pattern, [text for text, _, _ in texts]), texts, strict=True):
            inside = np.zeros(len(begin), bool)
            for start, stop in found:
                inside[np.searchsorted(end, start, "right") : np.searchsorted(begin, stop, "left")] = True
            parts.append(inside)
        return np.concatenate(parts)
