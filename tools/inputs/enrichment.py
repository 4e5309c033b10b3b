"""Token sets tested on what features fire on: which tokens, right behind which, and before which.

Tested on the open side of an index; what is found must hold on the confirm side, which had no part in it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..activations.part import Part
from ..activations.store import ActivationStore
from ..directions import SEED
from ..errors import UsageError
from ..progress import Progress, silent
from ..results import ReadingRow, finite
from ..statistics.directions import DirectionModel
from ..statistics.fdr import two_stage_q_of_adjusted
from ..statistics.reference import ReferenceDistribution
from ..storage.cache import ByteCache, load_arrays, save_arrays
from ..subject.reading import require_encoder
from ..subject.subject import Subject
from ..token_sets.derivation import circular
from ..token_sets.library import TokenSet
from .null import LEVELS, PILOT, RARE, ReadingNull, reading_null
from .places import Places, frequent_columns
from .slices import Slice, slice_of

SLICE_TOKENS = 49_152
LEAST = 20  # tokens of a set in the open slice
HOLDS = 0.05  # p on the confirm side
Side = Literal["open", "confirm"]
DRAWS = 8192


@dataclass(frozen=True)
class _Tested:
    """Shares (F, columns) and p of features, and the level (F,) they are looked at: -1 where firings are too few."""

    shares: np.ndarray
    p: np.ndarray
    level: np.ndarray


class ReadingEnrichment:
    """Enrichment of token sets in what features of a subject fire on, over an index.

    Raises UsageError for directions that do not fire and an index with an empty open or confirm side.
    """

    def __init__(
        self,
        subject: Subject,
        store: ActivationStore,
        sets: Sequence[TokenSet],
        cache: ByteCache,
        progress: Progress = silent,
    ) -> None:
        require_encoder(subject)
        self.subject, self._store, self._cache, self._progress = subject, store, cache, progress
        self._sets = list(sets)
        self._parts: dict[Side, Part] = {
            side: Part(store, (side,), subject.vocabulary.special) for side in ("open", "confirm")
        }
        for side, part in self._parts.items():
            if not len(part.rows):
                raise UsageError(f"The index of {subject.name} has no {side} document: index more documents.")

    def rows(self, features: np.ndarray) -> list[list[ReadingRow]]:
        """Every set at every place for each feature, smallest p over all sets first.

        q is over all features of the call. What could not be tested is None, as are sets made from the feature.
        """
        found, confirmed = self._tested("open", features), self._tested("confirm", features)
        family = self._nulls["open"].family_p_values(found.shares, found.level)
        # What was made from a feature says nothing about it.
        origins = [self._sets[at].derived_from for _, at in self._places["open"].columns]
        own = circular(origins, self.subject.decoder[features])
        found.p[own] = family[own] = np.nan
        q = two_stage_q_of_adjusted(family)
        known = np.where(np.isnan(family), np.nan, confirmed.p)
        places = self._places["open"]
        order = np.lexsort((-found.shares / places.base, np.nan_to_num(found.p, nan=1), np.nan_to_num(family, nan=1)))

        def row(number: int, column: int) -> ReadingRow:
            where, at = places.columns[column]
            level = int(found.level[number])
            return ReadingRow(
                feature=int(features[number]),
                set=self._sets[at].name,
                where=where,
                firings=0 if level < 0 else LEVELS[level],
                share=None if level < 0 else float(found.shares[number, column]),
                base=float(places.base[column]),
                p=finite(found.p[number, column]),
                p_sets=finite(family[number, column]),
                q=finite(q[number, column]),
                holds=None if np.isnan(known[number, column]) else bool(known[number, column] <= HOLDS),
            )

        return [[row(number, column) for column in order[number].tolist()] for number in range(len(features))]

    def _tested(self, side: Side, features: np.ndarray) -> _Tested:
        part, read, places = self._parts[side], self._slices[side], self._places[side]
        at = np.full((len(features), LEVELS[-1]), -1, np.int64)
        for number, feature in enumerate(features.tolist()):
            strongest = read.strongest(part.firings(feature), LEVELS[-1])
            at[number, : len(strongest)] = strongest
        level = np.searchsorted(LEVELS, (at >= 0).sum(axis=1), side="right") - 1
        shares = places.shares(at, LEVELS)[np.arange(len(features)), np.maximum(level, 0)]
        p = self._nulls[side].p_values(shares, level)
        p[:, places.base == 0] = np.nan
        return _Tested(shares, p, level)

    @functools.cached_property
    def _slices(self) -> dict[Side, Slice]:
        return {side: slice_of(self.subject, part, SLICE_TOKENS) for side, part in self._parts.items()}

    @functools.cached_property
    def _places(self) -> dict[Side, Places]:
        columns = frequent_columns(self._slices["open"], self._sets, LEAST)
        return {side: Places.of(read, self._sets, columns) for side, read in self._slices.items()}

    @functools.cached_property
    def _nulls(self) -> dict[Side, ReadingNull]:
        return {side: self._null(side) for side in self._parts}

    def _null(self, side: Side) -> ReadingNull:
        key = f"reading-null/3/{self._identity(side)}"
        stored = self._cache.get(key)
        if stored is None:
            encoder = require_encoder(self.subject)
            model = DirectionModel.of_rows(encoder[self.subject.alive])
            slice_, places = self._slices[side], self._places[side]
            made = reading_null(slice_, places, model, DRAWS, SEED[f"reading_{side}"], self._progress)
            arrays = {
                "tail": made.reference.tail,
                "bulk": made.reference.bulk,
                "rare": made.rare,
                "maxima": made.maxima,
            }
            stored = save_arrays(arrays)
            self._cache.set(key, stored)
        arrays = load_arrays(stored)
        reference = ReferenceDistribution(DRAWS, arrays["tail"], arrays["bulk"])
        return ReadingNull(reference, arrays["rare"], arrays["maxima"])

    def _identity(self, side: Side) -> str:
        digest = hashlib.blake2b(f"{self.subject.hash} {self._store.folder.name} {side}".encode(), digest_size=16)
        digest.update(f"{SLICE_TOKENS} {DRAWS} {LEVELS} {PILOT} {RARE}".encode())
        for where, chosen in self._places[side].columns:
            digest.update(f"{where} {self._sets[chosen].name} ".encode() + self._sets[chosen].ids.tobytes())
        return digest.hexdigest()
