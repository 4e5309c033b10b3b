"""What is slow to make again and kept in the cache: tokenizers' vocabularies, their sealed parts, libraries."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from .progress import Progress, silent
from .storage.cache import ByteCache, load_arrays, save_arrays
from .token_sets.build import build_library, lacking_families
from .token_sets.library import TokenSet, TokenSetLibrary
from .token_sets.split import token_split
from .vocabulary import Vocabulary, load_tokenizer

# Whatever decides which tokenizer transformers makes of a folder.
_TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt", "tokenizer.model", "added_tokens.json",
    "special_tokens_map.json", "config.json",
)  # fmt: skip
_HERE = Path(__file__).parent


def saved_vocabulary(folder: Path, cache: ByteCache) -> Vocabulary:
    """The vocabulary of the tokenizer in a folder; raises UsageError when there is none.

    The tokenizer itself is loaded when something is cut into pieces: that takes seconds, the vocabulary does not.
    """
    files = [path for name in _TOKENIZER_FILES if (path := folder / name).is_file()]
    key = f"vocabulary/{_digest([_HERE / 'vocabulary.py', *files])}"
    stored = cache.get(key) if files else None
    if stored is None:
        vocabulary = Vocabulary.load(folder)
        cache.set(key, json.dumps([vocabulary.raw, vocabulary.text, sorted(vocabulary.special)]).encode())
        return vocabulary
    raw, text, special = json.loads(stored)
    return Vocabulary(tuple(raw), tuple(text), frozenset(special), functools.cache(lambda: load_tokenizer(folder)))


def kept_split(vocabulary: Vocabulary, cache: ByteCache) -> np.ndarray:
    """The part of every token (see `token_split`)."""
    key = f"split/{_digest([_HERE / 'token_sets' / 'split.py'])}/{vocabulary.hash}"
    stored = cache.get(key)
    if stored is None:
        split = token_split(vocabulary)
        cache.set(key, save_arrays({"split": split}))
        return split
    return load_arrays(stored)["split"]


def built_library(
    vocabulary: Vocabulary, cache: ByteCache, progress: Progress = silent
) -> tuple[TokenSetLibrary, list[str]]:
    """The library of every family that has its data here, and one line for each that has not.

    A library is kept under the families that it lacks, so that it is made again when their data arrive; one that lacks
    a family for another reason, such as damaged data, is not kept.
    """
    key = f"library/{_builders_hash()}/{vocabulary.hash}"
    stored = cache.get(key)  # of all families: asking what data there are takes longer
    if stored is not None:
        return _from_bytes(stored, vocabulary), []
    lacking = lacking_families()
    if lacking:
        key = f"{key}/{hashlib.blake2b(repr(list(lacking)).encode(), digest_size=16).hexdigest()}"
        lines = [f"{family}: {reason}" for family, reason in lacking.items()]
        if (stored := cache.get(key)) is not None:
            return _from_bytes(stored, vocabulary, lines), lines
    library, skipped = build_library(vocabulary, progress=progress)
    if [line.partition(":")[0] for line in skipped] == list(lacking):
        cache.set(key, _to_bytes(library))
    return library, skipped


def _to_bytes(library: TokenSetLibrary) -> bytes:
    about = [[s.name, s.family, s.description, s.source, s.licence, s.aliases] for s in library]
    return save_arrays(
        {
            "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
            "sizes": np.array([len(s) for s in library], np.int64),
            "ids": np.concatenate([np.empty(0, np.int64), *(s.ids for s in library)]).astype(np.int32),
        }
    )


def _from_bytes(data: bytes, vocabulary: Vocabulary, skipped: Iterable[str] = ()) -> TokenSetLibrary:
    arrays = load_arrays(data)
    members = np.split(arrays["ids"].astype(np.int64), np.cumsum(arrays["sizes"])[:-1])
    sets = (
        TokenSet(name, family, description, ids, source, licence, tuple(aliases))
        for (name, family, description, source, licence, aliases), ids in zip(
            json.loads(arrays["about"].tobytes()), members, strict=True
        )
    )
    return TokenSetLibrary(sets, vocabulary.hash, skipped)


@functools.cache
def _builders_hash() -> str:
    """Content hash of the builders' code and word lists: a library made by others is not taken from the cache."""
    folder = _HERE / "token_sets"
    return _digest(sorted([_HERE / "vocabulary.py", *folder.rglob("*.py"), *folder.rglob("*.txt")]))


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for path in files:
        digest.update(path.name.encode() + b"\0" + hashlib.blake2b(path.read_bytes()).digest())
    return digest.hexdigest()
