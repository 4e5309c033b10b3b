from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tsea.tools import library_cache
from tsea.tools.library_cache import built_library, kept_split, saved_vocabulary
from tsea.tools.storage.cache import ByteCache
from tsea.tools.token_sets import TokenSet, TokenSetLibrary
from tsea.tools.token_sets.split import token_split
from tsea.tools.vocabulary import Vocabulary


@pytest.fixture
def folder(shared: Path, tmp_path: Path) -> Path:
    return shutil.copytree(shared / "gpt2", tmp_path / "gpt2")


@pytest.fixture
def cache(tmp_path: Path) -> ByteCache:
    return ByteCache(tmp_path / "cache")


def refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("made again")


def test_a_vocabulary_comes_whole_from_the_cache_and_cuts_words_as_before(
    folder: Path, cache: ByteCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = saved_vocabulary(folder, cache)
    monkeypatch.setattr(Vocabulary, "load", refuse)
    second = saved_vocabulary(folder, cache)
    assert second == first and second.hash == first.hash
    assert second.pieces(" doghouse") == first.pieces(" doghouse") != ()


def test_a_changed_tokenizer_is_read_again(folder: Path, cache: ByteCache) -> None:
    before = saved_vocabulary(folder, cache)
    path = folder / "tokenizer.json"
    path.write_text(path.read_text("utf-8").replace("<|endoftext|>", "<|endoftexts|>"), "utf-8")
    assert saved_vocabulary(folder, cache).hash != before.hash


def test_the_split_comes_from_the_cache(cache: ByteCache, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = Vocabulary((" a", " dog", " cats"), (" a", " dog", " cats"), frozenset())
    assert kept_split(vocabulary, cache).tolist() == token_split(vocabulary).tolist()
    monkeypatch.setattr(library_cache, "token_split", refuse)
    assert kept_split(vocabulary, cache).tolist() == token_split(vocabulary).tolist()


@pytest.mark.parametrize("lacking", [{}, {"g": "no data: run x"}], ids=["all data", "a family lacks data"])
def test_a_library_comes_whole_from_the_cache_with_what_it_lacks(
    lacking: dict[str, str], cache: ByteCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = Vocabulary(tuple("abcd"), tuple("abcd"), frozenset())
    sets = [
        TokenSet("f.one", "f", "One \u2028", np.array([0, 2]), "rules", "MIT", ("f.uno",)),
        TokenSet("h.two", "h", "", np.array([3]), "names", "free"),
    ]
    lines = [f"{family}: {reason}" for family, reason in lacking.items()]
    library = TokenSetLibrary(sets, vocabulary.hash, lines)
    monkeypatch.setattr(library_cache, "lacking_families", lambda: lacking)
    monkeypatch.setattr(library_cache, "build_library", lambda _, progress: (library, ["h: damaged", *lines]))
    built_library(vocabulary, cache)  # not kept: a family failed whose data are here
    monkeypatch.setattr(library_cache, "build_library", lambda _, progress: (library, lines))
    assert built_library(vocabulary, cache) == (library, lines)
    monkeypatch.setattr(library_cache, "build_library", refuse)
    stored, skipped = built_library(vocabulary, cache)
    assert skipped == lines == list(stored.skipped) and stored.hash == library.hash

    def about(s: TokenSet) -> tuple[Any, ...]:
        return s.name, s.family, s.description, s.ids.tolist(), s.source, s.licence, s.aliases

    assert list(map(about, stored)) == list(map(about, library))
    monkeypatch.setattr(library_cache, "lacking_families", lambda: {"other": "no data"})
    if lacking:
        with pytest.raises(AssertionError, match="made again"):
            built_library(vocabulary, cache)  # other data are here now
