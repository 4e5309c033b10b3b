"""The token set library of a vocabulary: the bundled one where it fits, else built once and kept in the cache."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path

from .storage.cache import ByteCache
from .token_sets.build import build_library
from .token_sets.gmt import format_gmt, format_provenance, parse_gmt, read_gmt
from .token_sets.library import TokenSetLibrary
from .vocabulary import Vocabulary

BUNDLED = Path(__file__).parent / "token_sets" / "data" / "pocket.gmt"


def library_of(vocabulary: Vocabulary, cache: ByteCache) -> tuple[TokenSetLibrary, list[str]]:
    """The library of a vocabulary and one line for each family that was skipped for lack of data."""
    if _bundled_vocabulary() == vocabulary.hash:
        return read_gmt(BUNDLED, vocabulary)[0], []
    key = f"library/{_builders_hash()}/{vocabulary.hash}"
    stored = cache.get(key)
    if stored is not None:
        gmt, provenance = json.loads(stored)
        return parse_gmt(gmt, vocabulary, json.loads(provenance))[0], []
    library, skipped = build_library(vocabulary)
    if not skipped:
        # A library that lacks families is built again, in case their data has arrived.
        cache.set(key, json.dumps([format_gmt(library, vocabulary), format_provenance(library)]).encode())
    return library, skipped


def _bundled_vocabulary() -> str | None:
    """Hash of the vocabulary that the bundled library was built for."""
    beside = BUNDLED.with_name(BUNDLED.name + ".json")
    return json.loads(beside.read_text("utf-8"))["vocabulary"] if beside.exists() else None


@functools.cache
def _builders_hash() -> str:
    """Content hash of the builders' code and word lists: a library made by others is not taken from the cache."""
    digest = hashlib.blake2b(digest_size=16)
    folder = Path(__file__).parent / "token_sets"
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.txt")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()
