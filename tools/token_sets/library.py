"""The token set library: named sets of one vocabulary, in order, each with where it comes from."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import UsageError, close_names, shortened
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
    """Token sets by name, in order. Sets with the same ids are one set, the first; the other names become aliases,
    under which `named` and `select` find it.

    `skipped` has one line, "FAMILY: why", for each family that could not be had. Raises UsageError when two different
    sets share a name.
    """

    def __init__(self, sets: Iterable[TokenSet], vocabulary_hash: str, skipped: Iterable[str] = ()) -> None:
        self.vocabulary_hash, self.skipped = vocabulary_hash, tuple(skipped)
        self.given = tuple(sets)  # as they came, each under its own name
        self._sets = {token_set.name: token_set for token_set in _merged(self.given)}
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
            raise UsageError(f"No token set {shortened(name)} in the library.{self._offer(name)}")
        return self._sets[self._canonical[name]]

    def named(self, name: str) -> TokenSet:
        """The set of a name or alias under that very name, with what was said of it there; `self[name]` is whom results
        name. Raises UsageError as that does.
        """
        known = self[name]
        if name == known.name:
            return known
        own = self._given_by_name.get(name) or dataclasses.replace(known, name=name, family=name.partition(".")[0])
        others = tuple(other for other in (known.name, *known.aliases) if other != name)
        # A copy that does not say so comes from the same features.
        return dataclasses.replace(own, aliases=others, derived_from=own.derived_from or known.derived_from)

    @functools.cached_property
    def _given_by_name(self) -> dict[str, TokenSet]:
        return {token_set.name: token_set for token_set in self.given}

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

    def fitting(self, glob: str) -> list[str]:
        """A name or alias as it is, else all names and aliases that fit a glob, in order.

        Raises UsageError when there is none.
        """
        names = [glob] if glob in self._canonical else fnmatch.filter(self._canonical, glob)
        if not names:
            raise UsageError(f"No token set fits {shortened(glob)}.{self._offer(glob)}")
        return names

    def select(self, glob: str) -> TokenSetLibrary:
        """The sets of the names that are `fitting`, under those names; raises as that does."""
        return TokenSetLibrary(map(self.named, self.fitting(glob)), self.vocabulary_hash)

    @functools.cached_property
    def derived(self) -> TokenSetLibrary:
        """The sets that were made from features."""
        return TokenSetLibrary((s for s in self if s.derived_from), self.vocabulary_hash)

    def testable(self, universe: np.ndarray, least: int = MIN_TOKENS) -> TokenSetLibrary:
        """The sets cut to `universe` (ascending ids) that keep at least `least` tokens and at most half of it."""
        cut = (dataclasses.replace(s, ids=np.intersect1d(s.ids, universe, assume_unique=True)) for s in self)
        return TokenSetLibrary((s for s in cut if least <= len(s) <= len(universe) / 2), self.vocabulary_hash)

    def _offer(self, name: str) -> str:
        """What to write instead of a name or glob that fits no set, and why a family of that name is missing."""
        family, _, own = name.lower().partition(".")
        for line in self.skipped:
            if line.lower().startswith(f"{family}:"):
                return f" The family {line}."
        if same := [known for known in self._canonical if known.lower() == name.lower()]:
            return f" Did you mean {same[0]}? Case counts."
        for known in self.families:
            if family in (known, f"{known}s", known.removesuffix("s")) and not own:
                return f" {known} is a family: its sets are '{known}.*'."
        # A name without a family is looked for among the sets' own names.
        bare = name.replace("*", "").lower()
        by_own = {known.lower() if own else known.lower().partition(".")[2]: known for known in self._canonical}
        if close := close_names(bare, by_own, cutoff=0.6):
            return f" Did you mean {' or '.join(by_own[found] for found in close)}?"
        return f" Families: {', '.join(self.families)}; `tsea sets search WORD` looks in names and descriptions."


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
            both = (*kept.derived_from, *token_set.derived_from) if kept.derived_from else ()
            origins = {id(origin): origin for origin in both}
            token_set = dataclasses.replace(kept, aliases=tuple(names), derived_from=tuple(origins.values()))
        first[key] = token_set
    return list(first.values())
