"""Token sets beside each other: how far two overlap, what resembles a set, how two libraries differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from ..results import ChangedSet, LibraryDifference, SetOverlap
from .derivation import Derivation
from .library import TokenSet, TokenSetLibrary
from .spec import TokenSetSpec


def overlaps(sets: Sequence[TokenSet], others: Sequence[TokenSet] | None = None) -> list[SetOverlap]:
    """Every pair of sets that share tokens, most alike first; of one list of sets, each pair once."""
    second = sets if others is None else others
    width = 1 + max((int(s.ids[-1]) for s in (*sets, *second) if len(s)), default=0)
    shared = (_membership(sets, width) @ _membership(second, width).T).tocoo()
    found = [
        _overlap(sets[i], second[j], int(count))
        for i, j, count in zip(*shared.coords, shared.data, strict=True)
        if others is not None or i < j
    ]
    return sorted(found, key=lambda pair: (-pair.jaccard, pair.set, pair.other))


def similar(
    name: str, ids: np.ndarray, library: TokenSetLibrary, least: float = 0.5, most: int = 5
) -> list[SetOverlap]:
    """The library's other sets with at least this Jaccard index with a set (`other`), most alike first."""
    pairs = overlaps([s for s in library if s.name != name], [TokenSet(name, "", "", ids, "", "")])
    return [pair for pair in pairs if pair.jaccard >= least][:most]


def origins(spec: TokenSetSpec, ids: np.ndarray, library: TokenSetLibrary) -> list[tuple[Derivation, ...]]:
    """What a written set of these tokens comes from: the derived sets that it names, or shares most tokens with."""
    named = [library[s.name] for name in spec.library_names for s in library.select(name)]
    like = [library[pair.set] for pair in similar("written", ids, library.derived, most=len(library))]
    return [s.derived_from for s in (*named, *like)]


def difference(old: TokenSetLibrary, new: TokenSetLibrary) -> LibraryDifference:
    """What sets `new` has, lacks and holds differently; aliases are names too."""
    before, after = _by_name(old), _by_name(new)
    changed: list[ChangedSet] = []
    for name in sorted(before.keys() & after.keys()):
        gained, lost = (len(np.setdiff1d(*pair)) for pair in ((after[name], before[name]), (before[name], after[name])))
        if gained or lost:
            jaccard = (len(before[name]) - lost) / (len(before[name]) + gained)
            changed.append(ChangedSet(name=name, gained=gained, lost=lost, jaccard=jaccard))
    added, removed = sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys())
    return LibraryDifference(added=added, removed=removed, changed=changed)


def _overlap(one: TokenSet, other: TokenSet, shared: int) -> SetOverlap:
    return SetOverlap(
        set=one.name,
        other=other.name,
        size=len(one),
        other_size=len(other),
        shared=shared,
        jaccard=shared / (len(one) + len(other) - shared),
        contained=shared / min(len(one), len(other)),
    )


def _by_name(library: TokenSetLibrary) -> dict[str, np.ndarray]:
    return {name: s.ids for s in library for name in (s.name, *s.aliases)}


def _membership(sets: Sequence[TokenSet], width: int) -> sparse.csr_array:
    """0/1 rows of sets, one column a token id."""
    ids = [s.ids for s in sets]
    columns = np.concatenate([np.empty(0, np.int64), *ids])
    pointers = np.cumsum([0, *map(len, ids)])
    return sparse.csr_array((np.ones(len(columns), np.int32), columns, pointers), shape=(len(ids), width))
