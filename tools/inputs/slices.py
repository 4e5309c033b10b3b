"""A slice of an index: some rows of a part, and what the dictionary's encoder reads at every token of them.

Random directions can be run through it like the encoder's own rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..activations.part import Part
from ..activations.rows import padded
from ..activations.store import Firings
from ..progress import Progress, silent
from ..subject.reading import encoder_input, row_start
from ..subject.subject import Subject
from ..token_sets.library import TokenSetLibrary
from ..vocabulary import Vocabulary
from .matching import matches
from .spec import InputSpec

Where = Literal["token", "previous", "next"]
WHERES: tuple[Where, ...] = ("token", "previous", "next")

_BATCH_TOKENS = 4096
_SEED = 41


@dataclass(frozen=True)
class Slice:
    """`positions` (n,) of the index, ascending, and the token ids at each place (n,), -1 where the row has none there.

    `rows` are the token ids of the rows; special tokens in them are none of the n, `counted` says which of all are.
    """

    positions: np.ndarray
    tokens: dict[Where, np.ndarray]
    rows: list[np.ndarray]
    counted: np.ndarray

    def fitting(self, spec: InputSpec, vocabulary: Vocabulary, library: TokenSetLibrary) -> np.ndarray:
        """Which tokens of the slice (n,) an input hypothesis speaks of; raises UsageError as `matches` does."""
        return matches(spec, self.rows, vocabulary, library)[self.counted]

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
    texts = [part.row(row) for row in np.sort(rows[:enough]).tolist()]
    counted = [~np.isin(tokens, list(subject.vocabulary.special)) for _, tokens in texts]
    around = [np.concatenate([[-1], tokens, [-1]]) for _, tokens in texts]

    def at(shift: int) -> np.ndarray:
        return np.concatenate([own[1 + shift :][: len(kept)][kept] for own, kept in zip(around, counted, strict=True)])

    positions = [start + np.flatnonzero(kept) for (start, _), kept in zip(texts, counted, strict=True)]
    return Slice(
        np.concatenate(positions),
        {"token": at(0), "previous": at(-1), "next": at(1)},
        [tokens for _, tokens in texts],
        np.concatenate(counted),
    )


def encoder_values(subject: Subject, read: Slice, progress: Progress = silent) -> np.ndarray:
    """What the encoder's rows are multiplied with at each token of a slice, (n, width of the encoder) float32."""
    return np.concatenate(list(_values(subject, read.rows, progress)))[read.counted]


def _values(subject: Subject, rows: Sequence[np.ndarray], progress: Progress) -> Iterator[np.ndarray]:
    begun, size = row_start(subject), max(1, _BATCH_TOKENS // max(map(len, rows)))
    for begin in range(0, len(rows), size):
        batch = list(rows[begin : begin + size])
        found = encoder_input(subject, padded(batch, begun).clip(min=0))[:, len(begun) :].float().cpu().numpy()
        yield from (values[: len(row)] for row, values in zip(batch, found, strict=True))
        progress("texts read", begin + len(batch), len(rows))
