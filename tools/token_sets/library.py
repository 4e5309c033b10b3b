"""The token set library: named sets of one vocabulary, in order, each with where it comes from."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError, nearest, shortened
from .derivation import Derivation

MIN_TOKENS = 10


@dataclass(frozen=True)
class TokenSet:
    """A named set of token ids (ascending int64) and its provenance; `aliases` are names of sets with the same ids.

    `derived_from` are the features that a set was made from, if it was: several where they give the same tokens.
    """

    name: str
    family: str
    description: str
    ids: np.ndarray
    source: str
    licence: str
    aliases: tuple[str, ...] = ()
    derived_from: tuple[Derivation, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)


class TokenSetLibrary:
    """Token sets by name, in order. Sets with the same ids are one set, the first; the other names become aliases.

    Raises UsageError when two different sets share a name.
    """

    def __init__(self, sets: Iterable[TokenSet], vocabulary_hash: str) -> None:
        self.vocabulary_hash = vocabulary_hash
        self._sets = {token_set.name: token_set for token_set in _merged(sets)}
        self._canonical = {alias: name for name, s in self._sets.items() for alias in (name, *s.aliases)}

    def __len__(self) -> int:
        return len(self._sets)

    def __iter__(self) -> Iterator[TokenSet]:
        return iter(self._sets.values())

    def __contains__(self, name: object) -> bool:
        return name in self._canonical

    def __getitem__(self, name: str) -> TokenSet:
        """The set of a name or alias; raises UsageError, with the nearest names, for an unknown one."""
        if name not in self._canonical:
            raise UsageError(f"No token set {shortened(name)} in the library.{nearest(name, self._canonical)}")
        return self._sets[self._canonical[name]]

    @property
    def names(self) -> list[str]:
        """Names in order, without aliases."""
        return list(self._sets)

    @property
    def families(self) -> list[str]:
        """Families in the order in which they first occur."""
        return list(dict.fromkeys(token_set.family for token_set in self))

    @functools.cached_property
    def hash(self) -> str:
        """Content hash of vocabulary, names and members, in order."""
        digest = hashlib.blake2b(self.vocabulary_hash.encode(), digest_size=16)
        for token_set in self:
            digest.update(f"\0{token_set.name}\0{len(token_set)}\0".encode("utf-8", "surrogatepass"))
            digest.update(token_set.ids.astype("<i8").tobytes())
        return digest.hexdigest()

    def select(self, glob: str) -> TokenSetLibrary:
        """The set of a name or alias, else those whose name or an alias fits a glob, in order.

        Raises UsageError when there is none.
        """
        names = [glob] if glob in self._canonical else fnmatch.filter(self._canonical, glob)
        fitting = {self._canonical[name] for name in names}
        if not fitting:
            offer = nearest(glob.replace("*", ""), self._canonical)
            raise UsageError(f"No token set fits {shortened(glob)}.{offer} Families: {', '.join(self.families)}.")
        return TokenSetLibrary((s for s in self if s.name in fitting), self.vocabulary_hash)

    @functools.cached_property
    def derived(self) -> TokenSetLibrary:
        """The sets that were made from features."""
        return TokenSetLibrary((s for s in self if s.derived_from), self.vocabulary_hash)

    def testable(self, universe: np.ndarray, least: int = MIN_TOKENS) -> TokenSetLibrary:
        """The sets cut to `universe` (ascending ids) that keep at least `least` tokens and at most half of it."""
        cut = (dataclasses.replace(s, ids=np.intersect1d(s.ids, universe, assume_unique=True)) for s in self)
        return TokenSetLibrary((s for s in cut if least <= len(s) <= len(universe) / 2), self.vocabulary_hash)


def check_testable(ids: np.ndarray, universe: np.ndarray) -> np.ndarray:
    """The members of a set within `universe`; raises UsageError when none or all of it belongs to the set."""
    members = np.intersect1d(ids, universe)
    if not len(members):
        raise UsageError("The token set is empty on this vocabulary: nothing to test. Check spelling, case and space.")
    if len(members) == len(universe):
        raise UsageError("The token set holds the whole vocabulary: nothing is left to compare it with.")
    return members


def _merged(sets: Iterable[TokenSet]) -> list[TokenSet]:
    """Join sets with the same ids under the first one's name."""
    first: dict[bytes, TokenSet] = {}
    seen: dict[str, bytes] = {}
    for token_set in sets:
        key = token_set.ids.astype("<i8").tobytes()
        for name in (token_set.name, *token_set.aliases):
            if seen.setdefault(name, key) != key:
                raise UsageError(f"Two different token sets are called {name!r}: rename one.")
        if kept := first.get(key):
            names = dict.fromkeys((*kept.aliases, token_set.name, *token_set.aliases))
            names.pop(kept.name, None)
            # A set that came by a way of its own stays independent of features that give the same tokens.
            origins = (*kept.derived_from, *token_set.derived_from) if kept.derived_from else ()
            token_set = dataclasses.replace(kept, aliases=tuple(names), derived_from=origins)
        first[key] = token_set
    return list(first.values())
