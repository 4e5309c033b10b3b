"""Token sets tested on what features fire on: which tokens, right behind which, and before which.

Tested on the open side of an index; what is found must hold on the confirm side, which had no part in it.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..activations.part import Part
from ..activations.store import ActivationStore
from ..directions import SEED
from ..errors import UsageError
from ..progress import Progress, silent
from ..statistics.directions import DirectionModel
from ..statistics.reference import ReferenceDistribution
from ..storage.cache import ByteCache, load_arrays, save_arrays
from ..subject.reading import require_encoder
from ..subject.subject import Subject
from ..token_sets.compare import origins
from ..token_sets.derivation import Derivation, circular
from ..token_sets.library import TokenSet, TokenSetLibrary
from ..token_sets.resolve import resolve
from . import words
from .null import DECOYS, LEVELS, PILOT, RARE, ReadingNull, odds_ratios, reading_null
from .places import Column, Places, frequent_columns
from .slices import Slice, encoder_values, slice_of
from .spec import InputSpec
from .strongest import Strongest

SLICE_TOKENS = 49_152
LEAST = 20  # tokens of a set in the open slice
HOLDS = 0.05  # p on the confirm side
Side = Literal["open", "confirm"]
SIDES: tuple[Side, ...] = ("open", "confirm")
DRAWS = 8192
RIVAL_DRAWS = 1024  # of these, for what a set has beyond another


@dataclass(frozen=True)
class Readers:
    """Features, or random directions in their place, with their strongest firings on both sides."""

    features: np.ndarray | None
    open: Strongest
    confirm: Strongest

    def __len__(self) -> int:
        return len(self.open.level)

    def part(self, own: slice) -> Readers:
        """Some of them."""
        features = None if self.features is None else self.features[own]
        return Readers(features, self.open.part(own), self.confirm.part(own))


@dataclass(frozen=True)
class Reading:
    """Every column tested on F readers, (F, columns) each; NaN where it could not be or the set was made from it.

    Shares of the open side with their p, the same over all columns (`p_any`), and the odds ratio to what is rare for
    the column (`ratio`); p on the confirm side.
    """

    shares: np.ndarray
    p: np.ndarray
    p_any: np.ndarray
    ratio: np.ndarray
    confirm_p: np.ndarray


@dataclass(frozen=True)
class Written:
    """An input hypothesis tested on F readers: share of the open side (F,), share of all tokens, p on both sides.

    Without p where a token set that it speaks of was made from the reader (`circular`, (F,) bool).
    """

    shares: np.ndarray
    base: float
    p: np.ndarray
    confirm_p: np.ndarray
    circular: np.ndarray


def encoder_model(subject: Subject) -> DirectionModel:
    """The model of the encoder's live rows; raises UsageError for directions that do not fire."""
    return DirectionModel.of_rows(require_encoder(subject)[subject.alive])


class ReadingEnrichment:
    """Enrichment of token sets in what features of a subject fire on, over an index.

    Raises UsageError for directions that do not fire and an index with an empty open or confirm side. `lock` is held
    while the model runs, for those who run it elsewhere too.
    """

    def __init__(
        self,
        subject: Subject,
        store: ActivationStore,
        library: TokenSetLibrary,
        cache: ByteCache,
        progress: Progress = silent,
        lock: AbstractContextManager[Any] | None = None,
    ) -> None:
        require_encoder(subject)
        self._lock = lock or threading.RLock()
        self.subject, self._store, self._cache, self._progress = subject, store, cache, progress
        self._library = library
        self._parts: dict[Side, Part] = {side: Part(store, (side,), subject.vocabulary.special) for side in SIDES}
        for side, part in self._parts.items():
            if not len(part.rows):
                raise UsageError(f"The index of {subject.name} has no {side} document: index more documents.")

    @property
    def index(self) -> str:
        """Which index this is, by its content."""
        return self._store.folder.name

    @property
    def columns(self) -> list[Column]:
        """The tests: sets at places."""
        return self.places.columns

    @property
    def places(self) -> Places:
        """The columns on the open slice."""
        return self._places["open"]

    @property
    def slice(self) -> Slice:
        """The open slice."""
        return self._slices["open"]

    def places_on(self, read: Slice) -> Places:
        """The columns on another slice."""
        return Places.of(read, self._sets, self.columns)

    def set(self, column: int) -> TokenSet:
        """The set of a column."""
        return self._sets[self.columns[column].set]

    def features(self, features: np.ndarray) -> Readers:
        """Features of the subject as readers."""
        found = {
            side: Strongest.of_firings(self._slices[side], [part.firings(f) for f in features.tolist()])
            for side, part in self._parts.items()
        }
        return Readers(features, **found)

    def decoys(self, like: Readers) -> Readers:
        """Random encoder directions that are no part of the null, looked at on as many firings as these readers."""
        own, confirm = self._nulls["open"].decoys, self._nulls["confirm"].decoys
        return Readers(
            None,
            Strongest(own, np.resize(like.open.level, len(own))),
            Strongest(confirm, np.resize(like.confirm.level, len(confirm))),
        )

    def read(self, readers: Readers) -> Reading:
        """Test every column."""
        shares, level = self._shares("open", readers.open), readers.open.level
        null = self._nulls["open"]
        p, p_any = null.p_values(shares, level), null.family_p_values(shares, level)
        confirm_p = self._nulls["confirm"].p_values(self._shares("confirm", readers.confirm), readers.confirm.level)
        confirm_p[:, self._places["confirm"].base == 0] = np.nan
        own = self._made_from(readers, [self._sets[at].derived_from for _, at in self.columns])
        p[own] = p_any[own] = np.nan
        at = np.maximum(level, 0)
        ratio = np.where(np.isnan(p), np.nan, odds_ratios(shares, null.rare[at], np.array(LEVELS)[at][:, None]))
        return Reading(shares, p, p_any, ratio, np.where(np.isnan(p), np.nan, confirm_p))

    def written(self, readers: Readers, spec: InputSpec) -> Written:
        """Test an input hypothesis; raises UsageError for one that no token of the open side fits, or every one."""
        vocabulary = self.subject.vocabulary
        marked = {side: read.fitting(spec, vocabulary, self._library) for side, read in self._slices.items()}
        fitting, tokens = int(marked["open"].sum()), len(marked["open"])
        if not 0 < fitting < tokens:
            raise UsageError(
                f"The input hypothesis {spec.to_json()} fits {'no' if not fitting else 'every'} token of the "
                f"{tokens:,} that it is tested on: nothing can be said of it. Check spelling, spaces and places."
            )
        p = self._nulls["open"].marked_p_values(readers.open, marked["open"])
        confirm_p = self._nulls["confirm"].marked_p_values(readers.confirm, marked["confirm"])
        if not marked["confirm"].any():
            confirm_p[:] = np.nan
        made_from = [
            of
            for written in spec.token_sets
            for of in origins(written, resolve(written, vocabulary, self._library).ids, self._library)
        ]
        own = np.asarray(self._made_from(readers, made_from).any(axis=1))
        p[own] = confirm_p[own] = np.nan
        return Written(readers.open.shares(marked["open"]), fitting / tokens, p, confirm_p, own)

    def is_word(self, column: int) -> bool:
        """Whether the set of a column is the spellings of one word."""
        return self.set(column).family == words.FAMILY

    def p_without_top_word(self, readers: Readers, row: int, column: int) -> float:
        """p of the share of one reader on a column without the word that weighs most in it, in all its spellings."""
        marked = self.places.marked(column)
        tokens = self.slice.tokens[self.columns[column].where]
        of_word = np.bincount(self._words[tokens[marked]], readers.open.weights(row, len(marked))[marked])
        return self._rest_p(readers, row, marked & (self._words[tokens] != of_word.argmax()))

    def p_without(self, readers: Readers, row: int, column: int, better: int) -> float:
        """p of the share of one reader that the tokens of a column have without those of another one."""
        return self._rest_p(readers, row, self.places.marked(column) & ~self.places.marked(better))

    def _rest_p(self, readers: Readers, row: int, rest: np.ndarray) -> float:
        one = readers.open.part(slice(row, row + 1))
        if not one.shares(rest)[0] > 0:  # no set at all would reach a share of nothing
            return 1.0
        return float(self._nulls["open"].marked_p_values(one, rest, RIVAL_DRAWS)[0])

    def share_on(self, readers: Readers, row: int, ids: np.ndarray) -> tuple[float, float]:
        """Share of one reader's firings that falls on some tokens (NaN: too few firings), and their share of all."""
        marked = np.isin(self.slice.tokens["token"], ids)
        return float(readers.open.part(slice(row, row + 1)).shares(marked)[0]), float(marked.mean())

    def tokens(self, readers: Readers, row: int, column: int, most: int) -> list[int]:
        """The tokens of a column that weigh most among one reader's firings, heaviest first."""
        marked = self.places.marked(column)
        weights = readers.open.weights(row, len(marked))[marked]
        of_token = np.bincount(self.slice.tokens[self.columns[column].where][marked], weights)
        order = np.argsort(-of_token, kind="stable")[:most]
        return order[of_token[order] > 0].tolist()

    def matched_shares(self, readers: Readers, row: int) -> np.ndarray:
        """Shares (columns,) that all occurrences of the tokens that a reader fires on have together.

        Each of these tokens weighs as much as the reader's firings on it: what is left to a set before or behind is
        what the reader picks out beyond its tokens.
        """
        weights = readers.open.weights(row, len(self.slice.positions))
        tokens = self.slice.tokens["token"]
        of_token = np.bincount(tokens, weights)
        return self.places.total((of_token / np.maximum(np.bincount(tokens), 1))[tokens])

    def _made_from(self, readers: Readers, made_from: Sequence[Sequence[Derivation]]) -> np.ndarray:
        """Which sets, by their origins (S), were made from which readers, and say nothing about them: (F, S) bool."""
        if readers.features is None:
            return np.zeros((len(readers), len(made_from)), bool)
        return circular(made_from, self.subject.decoder[readers.features])

    def _shares(self, side: Side, strongest: Strongest) -> np.ndarray:
        level = np.maximum(strongest.level, 0)
        return self._places[side].shares(strongest.at, LEVELS)[np.arange(len(level)), level]

    @functools.cached_property
    def _slices(self) -> dict[Side, Slice]:
        return {side: slice_of(self.subject, part, SLICE_TOKENS) for side, part in self._parts.items()}

    @functools.cached_property
    def _sets(self) -> list[TokenSet]:
        """Those of the library, and the words that are frequent enough."""
        library = list(self._library)
        vocabulary = self.subject.vocabulary
        return library + words.frequent_words(self.slice.tokens["token"], vocabulary, library, LEAST)

    @functools.cached_property
    def _words(self) -> np.ndarray:
        return words.word_numbers(self.subject.vocabulary)[0]

    @functools.cached_property
    def _places(self) -> dict[Side, Places]:
        columns = frequent_columns(self.slice, self._sets, LEAST)
        return {side: Places.of(read, self._sets, columns) for side, read in self._slices.items()}

    @functools.cached_property
    def _nulls(self) -> dict[Side, ReadingNull]:
        return {side: self._null(side) for side in SIDES}

    def _null(self, side: Side) -> ReadingNull:
        key = f"reading-null/5/{self._identity(side)}"
        stored = self._cache.get(key)
        if stored is None:
            seed = SEED[f"reading_{side}"]
            with self._lock:
                values = encoder_values(self.subject, self._slices[side], self._progress)
            made = reading_null(values, self._places[side], encoder_model(self.subject), DRAWS, seed, self._progress)
            arrays = {
                "tail": made.reference.tail,
                "bulk": made.reference.bulk,
                "rare": made.rare,
                "maxima": made.maxima,
                "strongest": made.strongest,
                "decoys": made.decoys,
            }
            stored = save_arrays(arrays)
            self._cache.set(key, stored)
        arrays = load_arrays(stored)
        reference = ReferenceDistribution(DRAWS, arrays["tail"], arrays["bulk"])
        return ReadingNull(reference, *(arrays[name] for name in ("rare", "maxima", "strongest", "decoys")))

    def _identity(self, side: Side) -> str:
        digest = hashlib.blake2b(f"{self.subject.firing_hash} {self.index} {side}".encode(), digest_size=16)
        digest.update(f"{SLICE_TOKENS} {DRAWS} {LEVELS} {PILOT} {RARE} {DECOYS}".encode())
        for where, chosen in self._places[side].columns:
            digest.update(f"{where} {self._sets[chosen].name} ".encode() + self._sets[chosen].ids.tobytes())
        return digest.hexdigest()
