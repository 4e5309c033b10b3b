"""A slice of an index: some rows of a part with what the dictionary's encoder reads at every token.

Random directions can be run through it like the encoder's own rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..activations.part import Part
from ..activations.rows import padded
from ..activations.store import Firings
from ..subject.reading import encoder_input, row_start
from ..subject.subject import Subject

Where = Literal["token", "previous", "next"]
WHERES: tuple[Where, ...] = ("token", "previous", "next")

_BATCH_TOKENS = 4096
_SEED = 41


@dataclass(frozen=True)
class Slice:
    """`positions` (n,) of the index, ascending, and the token ids at each place (n,), -1 where the row has none there.

    `read` (n, width of the encoder) float32 is what the encoder's rows are multiplied with.
    """

    positions: np.ndarray
    tokens: dict[Where, np.ndarray]
    read: np.ndarray

    def strongest(self, firings: Firings, most: int) -> np.ndarray:
        """Where in the slice the strongest of a feature's firings are, strongest first, earlier ones first."""
        at = np.searchsorted(self.positions, firings.positions)
        inside = at < len(self.positions)
        inside[inside] = self.positions[at[inside]] == firings.positions[inside]
        order = np.lexsort((at[inside], -firings.values[inside]))
        return at[inside][order][:most]


def slice_of(subject: Subject, part: Part, tokens: int) -> Slice:
    """About so many tokens of random rows of a part, the same ones each time; special tokens are left out."""
    rows = np.random.default_rng(_SEED).permutation(part.rows)
    enough = int(np.searchsorted(np.cumsum(part.row_lengths(rows)), tokens)) + 1
    parts = list(_read(subject, part, np.sort(rows[:enough])))
    positions, token, previous, following, read = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Slice(positions, {"token": token, "previous": previous, "next": following}, read)


def _read(subject: Subject, part: Part, rows: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    special, begun = list(subject.vocabulary.special), row_start(subject)
    size = max(1, _BATCH_TOKENS // int(part.row_lengths(rows).max()))
    for begin in range(0, len(rows), size):
        texts = [part.row(row) for row in rows[begin : begin + size].tolist()]
        found = encoder_input(subject, padded([tokens for _, tokens in texts], begun).clip(min=0))
        for (start, tokens), values in zip(texts, found[:, len(begun) :].float().cpu().numpy(), strict=True):
            kept = np.flatnonzero(~np.isin(tokens, special))
            around = np.concatenate([[-1], tokens, [-1]])
            yield start + kept, tokens[kept], around[kept], around[kept + 2], values[kept]
