"""The token sets that are planted: sets of the library, rivals that overlap, and sets that the library does not hold.

Sets are planted over the whole universe (open, confirm and test tokens); only those that can be confirmed and examined
are, with MIN_CONFIRM_MEMBERS or more confirm and test tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy.sparse import csr_matrix

from ...tools.statistics.directions import unit_rows
from ...tools.token_sets.resolve import resolve
from ...tools.token_sets.spec import TokenSetSpec, parse_spec
from ...tools.token_sets.split import CONFIRM, OPEN, TEST, token_split
from ...tools.views import MIN_CONFIRM_MEMBERS
from ...tools.workbench import Workbench

FOUND = 0.8  # Jaccard index from which a set counts as the planted one
RIVAL = 0.3  # with another set of the library that it counts as overlapping from
UNRELATED = 0.1  # largest cosine between the directions of two sets that are planted together
_CHANGED = 0.1  # share of members that are exchanged for others: a Jaccard index of .82
_LEAST = 30  # tokens of a set that is cut in half or changed
_LETTERS = "eotanisrhldcumpgfywbvkxjqz"

# Half of the kinds are sets that no name of the library stands for.
SetKind = Literal["library", "rival", "two", "changed", "half", "other"]
KINDS: tuple[SetKind, ...] = get_args(SetKind)
# How a set is written, its positions in the universe, and whether it is meant to be near a set of the library.
_Made = tuple[TokenSetSpec, np.ndarray, bool]


@dataclass(frozen=True)
class PlantedSet:
    """A token set that is planted: how it is written, and its `ids` in the universe, ascending.

    `nearest` is its largest Jaccard index with a set of the library (1: it is one), `overlap` the largest one below
    FOUND with a set that labelers test: a rival. A labeler that says names of the library alone can find the set where
    `nearest` reaches FOUND, and never elsewhere.
    """

    spec: TokenSetSpec
    ids: np.ndarray
    nearest: float
    overlap: float

    @property
    def in_library(self) -> bool:
        """Whether a set of the library comes near enough to count as found."""
        return self.nearest >= FOUND


class SetPool:
    """Draws sets to plant, from the library of a workbench and from outside it."""

    def __init__(self, workbench: Workbench) -> None:
        self._universe = workbench.subject.universe
        self._vocabulary, self._library = workbench.subject.vocabulary, workbench.library
        self._split = token_split(self._vocabulary)[self._universe]
        self._names = [s.name for s in workbench.sets if not s.derived_from]
        self._members = [self._positions(self._library[name].ids) for name in self._names]
        pointers = np.cumsum([0, *map(len, self._members)])
        ones = np.ones(pointers[-1], np.int32)
        shape = (len(self._members), len(self._universe))
        self._table = csr_matrix((ones, np.concatenate(self._members), pointers), shape)
        self._sizes = np.array([len(members) for members in self._members])
        usable = [n for n, members in enumerate(self._members) if self._usable(members)]
        overlap = np.array([self._overlap(self._jaccard(self._members[n])) for n in usable])
        self._apart = np.array(usable, np.int64)[overlap < RIVAL]
        self._rivals = np.array(usable, np.int64)[overlap >= RIVAL]
        self._usable_sets = np.array(usable, np.int64)
        means = np.stack([workbench.subject.whitened[:, members].mean(axis=1) for members in self._members])
        self._directions = unit_rows(means - workbench.subject.whitened.mean(axis=1))
        self._large = self._usable_sets[self._sizes[self._usable_sets] >= _LEAST]

    def draw(self, kind: SetKind, rng: np.random.Generator) -> tuple[PlantedSet, ...]:
        """The set of one feature, or its two sets.

        `library` sets overlap with no other, `rival` ones do; `two` share neither tokens nor a direction; `changed`
        have a tenth of their members exchanged, `half` are half of a set, `other` the union of two sets or the tokens
        with a pair of letters.
        """
        match kind:
            case "library":
                return (self._own(int(rng.choice(self._apart))),)
            case "rival":
                return (self._own(int(rng.choice(self._rivals))),)
            case "two":
                return tuple(self._own(n) for n in self._unrelated(rng))
            case "changed":
                return (self._tried(self._changed, rng),)
            case "half":
                return (self._tried(self._half, rng),)
            case _:
                return (self._tried(self._joined if rng.random() < 0.5 else self._pair, rng),)

    def _own(self, n: int) -> PlantedSet:
        return self._planted(parse_spec({"library": self._names[n]}), self._members[n])

    def _planted(self, spec: TokenSetSpec, members: np.ndarray) -> PlantedSet:
        found = self._jaccard(members)
        return PlantedSet(spec, self._universe[members], float(found.max()), self._overlap(found))

    def _tried(self, made: Callable[[np.random.Generator], _Made], rng: np.random.Generator) -> PlantedSet:
        """Drawn again until it can be confirmed and is near a set of the library, or not, as it is meant to be."""
        while True:
            spec, members, near = made(rng)
            if self._usable(members):
                planted = self._planted(spec, members)
                if planted.in_library == near:
                    return planted

    def _unrelated(self, rng: np.random.Generator) -> tuple[int, int]:
        """Two sets without common members, of which neither raises the other: past forms and gerunds are verbs."""
        while True:
            one, other = rng.choice(self._usable_sets, 2, replace=False).tolist()
            shared = np.intersect1d(self._members[one], self._members[other], assume_unique=True)
            if not len(shared) and abs(self._directions[one] @ self._directions[other]) <= UNRELATED:
                return one, other

    def _changed(self, rng: np.random.Generator) -> _Made:
        members = self._members[int(rng.choice(self._large))]
        count = int(_CHANGED * len(members))
        others = np.setdiff1d(np.arange(len(self._universe)), members, assume_unique=True)
        kept = rng.choice(members, len(members) - count, replace=False)
        return *self._by_ids(np.union1d(kept, rng.choice(others, count, replace=False))), True

    def _half(self, rng: np.random.Generator) -> _Made:
        members = self._members[int(rng.choice(self._large))]
        return *self._by_ids(np.sort(rng.choice(members, len(members) // 2, replace=False))), False

    def _joined(self, rng: np.random.Generator) -> _Made:
        one, other = self._unrelated(rng)
        spec = parse_spec({"any": [{"library": self._names[n]} for n in (one, other)]})
        return spec, np.union1d(self._members[one], self._members[other]), False

    def _pair(self, rng: np.random.Generator) -> _Made:
        spec = parse_spec({"contains": "".join(rng.choice(list(_LETTERS), 2))})
        return spec, self._positions(resolve(spec, self._vocabulary).ids), False

    def _by_ids(self, members: np.ndarray) -> tuple[TokenSetSpec, np.ndarray]:
        return parse_spec({"ids": self._universe[members].tolist()}), members

    def _positions(self, ids: np.ndarray) -> np.ndarray:
        return np.flatnonzero(np.isin(self._universe, ids))

    def _usable(self, members: np.ndarray) -> bool:
        counts = np.bincount(self._split[members], minlength=3)
        enough = counts[OPEN] >= 2 * MIN_CONFIRM_MEMBERS
        return bool(enough and min(counts[CONFIRM], counts[TEST]) >= MIN_CONFIRM_MEMBERS)

    def _jaccard(self, members: np.ndarray) -> np.ndarray:
        """Jaccard index (S,) with every set of the library."""
        shared = np.asarray(self._table[:, members].sum(axis=1)).ravel()
        return shared / (self._sizes + len(members) - shared)

    def _overlap(self, jaccard: np.ndarray) -> float:
        return float(jaccard[jaccard < FOUND].max(initial=0))
