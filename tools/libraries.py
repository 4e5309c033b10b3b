"""The token set library of a vocabulary: the bundled one where it fits, else built once and kept in the cache."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .errors import UsageError
from .imported_sets import imported_sets
from .library_cache import built_library, kept_split, saved_vocabulary
from .progress import Progress, silent
from .results import (
    LibraryDifference,
    ListedSet,
    ResolvedSet,
    SetOverlap,
    ShownSet,
    SuggestedSets,
    UnmatchedItem,
)
from .storage.cache import ByteCache
from .token_sets.compare import difference, overlaps, similar
from .token_sets.gmt import read_gmt
from .token_sets.library import TokenSet, TokenSetLibrary
from .token_sets.resolve import resolve
from .token_sets.spec import TokenSetSpec, parse_spec
from .token_sets.split import OPEN
from .token_sets.suggest import find_tokens, suggested_sets
from .vocabulary import Vocabulary, read_back

BUNDLED = Path(__file__).parent / "token_sets" / "data" / "pocket.gmt"
MAX_TOKENS = 1000  # that suggest sets
_PREVIEW = 40


class OpenLibrary:
    """A library beside its vocabulary and the open ids among those ranked: what people and agents ask of it."""

    def __init__(
        self, library: TokenSetLibrary, vocabulary: Vocabulary, open_ids: np.ndarray, skipped: list[str]
    ) -> None:
        self.library, self.vocabulary, self.open_ids, self.skipped = library, vocabulary, open_ids, skipped

    @classmethod
    def of_tokenizer(cls, folder: Path, progress: Progress = silent) -> OpenLibrary:
        """The library of the tokenizer saved in a folder, whose ordinary tokens all count as ranked."""
        cache = ByteCache()
        vocabulary = saved_vocabulary(folder, cache)
        library, skipped = library_of(vocabulary, cache, progress=progress)
        ordinary = vocabulary.ordinary
        return cls(library, vocabulary, ordinary[kept_split(vocabulary, cache)[ordinary] == OPEN], skipped)

    @functools.cached_property
    def cut(self) -> TokenSetLibrary:
        """The open tokens of the sets that have neither too few nor too many of them."""
        return self.library.testable(self.open_ids)

    @functools.cached_property
    def testable(self) -> frozenset[str]:
        """Names of these sets."""
        return frozenset(self.cut.names)

    def listed(self, glob: str = "*") -> list[ListedSet]:
        """The sets that a glob names."""
        return [ListedSet(**self._about(token_set)) for token_set in self.library.select(glob)]

    def shown(self, name: str) -> ShownSet:
        """One set with its tokens."""
        found = self.library.named(name)
        like = similar(self.library[name].name, found.ids, self.library)
        return ShownSet(**self._about(found), ids=found.ids.tolist(), similar=like)

    def search(self, words: Sequence[str], token: str | None = None) -> list[ListedSet]:
        """The sets whose name or description holds all words, in any case, and that hold a token given as its text."""
        wanted = [word.lower() for word in words]
        holding = None if token is None else self.vocabulary.id_of_text.get(read_back(token))
        if token is not None and holding is None:
            raise UsageError(f"{token!r} is no token of this vocabulary: mind the leading space and case.")
        return [
            ListedSet(**self._about(s))
            for s in map(self.library.named, (s.name for s in self.library.given))
            if all(word in f"{s.name} {' '.join(s.aliases)} {s.description}".lower() for word in wanted)
            and (holding is None or holding in s.ids)
        ]

    def resolved(self, spec: TokenSetSpec | str) -> ResolvedSet:
        """The tokens of a written set."""
        parsed = parse_spec(spec)
        found = resolve(parsed, self.vocabulary, self.library)
        return ResolvedSet(
            spec=parsed.to_json(),
            size=len(found.ids),
            open=len(np.intersect1d(found.ids, self.open_ids, assume_unique=True)),
            ids=found.ids.tolist(),
            preview=[self.vocabulary.shown(token) for token in found.ids[:_PREVIEW].tolist()],
            unmatched=[UnmatchedItem(item=u.item, reason=u.reason, pieces=list(u.pieces)) for u in found.unmatched],
            similar=similar(self._named_by(parsed) or "written", found.ids, self.library),
        )

    def suggested(self, tokens: Sequence[str], most: int = 10) -> SuggestedSets:
        """The testable sets that hold surprisingly many of some tokens, given by their texts (see `suggest`).

        Raises UsageError for no token at all and for more than MAX_TOKENS.
        """
        if not 0 < len(tokens) <= MAX_TOKENS:
            raise UsageError(
                f"{len(tokens)} tokens given: name 1 to {MAX_TOKENS}, as texts such as ' red' or '\u2423red'."
            )
        ids, unknown = find_tokens(tokens, self.vocabulary)
        inside = np.isin(ids, self.open_ids, assume_unique=True)
        shown = [self.vocabulary.shown(token) for token in ids.tolist()]
        return SuggestedSets(
            tokens=list(itertools.compress(shown, inside)),
            sealed=list(itertools.compress(shown, ~inside)),
            unknown=unknown,
            open_tokens=len(self.open_ids),
            tested=len(self.cut),
            sets=suggested_sets(ids[inside], self.cut, self.open_ids, self.vocabulary, most),
        )

    def _named_by(self, spec: TokenSetSpec) -> str | None:
        """Name of the one set that a specification names, which is not news beside it."""
        name = spec.library
        return self.library[name].name if name is not None and name in self.library else None

    def overlaps(self, first: str, second: str | None = None) -> list[SetOverlap]:
        """Pairs of sets that two names or globs stand for, or of sets within one."""
        one = list(self.library.select(first))
        if second is None and len(one) == 1:
            raise UsageError(f"{first} is one set: name another one, or a glob, to compare it with.")
        return overlaps(one, None if second is None else list(self.library.select(second)))

    def families(self) -> list[tuple[str, int, int]]:
        """Families with how many sets each has, and how many of them can be tested."""
        rows: dict[str, list[int]] = {}
        for token_set in self.library.given:
            row = rows.setdefault(token_set.family, [0, 0])
            row[0] += 1
            row[1] += self.library[token_set.name].name in self.testable
        return [(family, sets, testable) for family, (sets, testable) in rows.items()]

    def difference(self, old: Path, new: Path | None = None) -> LibraryDifference:
        """What differs between two GMT files, or between one and this library."""
        after = self.library if new is None else read_gmt(new, self.vocabulary)[0]
        return difference(read_gmt(old, self.vocabulary)[0], after)

    def _about(self, token_set: TokenSet) -> dict[str, Any]:
        named = self.library[token_set.name].name
        return {
            "name": token_set.name,
            "family": token_set.family,
            "size": len(token_set),
            "open": len(np.intersect1d(token_set.ids, self.open_ids, assume_unique=True)),
            "testable": named in self.testable,
            "description": token_set.description,
            "source": token_set.source,
            "licence": token_set.licence,
            "same_as": None if named == token_set.name else named,
            "aliases": list(token_set.aliases),
        }


def library_of(
    vocabulary: Vocabulary, cache: ByteCache, *, imported: bool = True, progress: Progress = silent
) -> tuple[TokenSetLibrary, list[str]]:
    """The library of a vocabulary, imported and derived sets last, and one line for each family that was skipped."""
    library, skipped = _built(vocabulary, cache, progress)
    added, unread = imported_sets(vocabulary) if imported else ([], [])
    lines = [*skipped, *unread]
    return TokenSetLibrary([*library, *added], vocabulary.hash, lines), lines


def _built(vocabulary: Vocabulary, cache: ByteCache, progress: Progress) -> tuple[TokenSetLibrary, list[str]]:
    if _bundled_vocabulary() == vocabulary.hash:
        return read_gmt(BUNDLED, vocabulary)[0], []
    return built_library(vocabulary, cache, progress)


def _bundled_vocabulary() -> str | None:
    """Hash of the vocabulary that the bundled library was built for."""
    beside = BUNDLED.with_name(BUNDLED.name + ".json")
    return json.loads(beside.read_text("utf-8"))["vocabulary"] if beside.exists() else None
