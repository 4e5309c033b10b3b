"""Small vocabularies of the three kinds that tokenizers have, and the real GPT-2 one with its library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tsea.tools.library_cache import built_library
from tsea.tools.storage.cache import ByteCache
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.vocabulary import Vocabulary

TEXTS = (
    ["<|endoftext|>", "dog", " dog", "Dog", " Dog", " DOG", " dogs", "walk", " walk", " walked", " walking", "walking"]
    + [
        " The",
        " the",
        " of",
        "\n",
        "\n\n  ",
        "\t",
        " ",
        "1",
        " 1999",
        "2001",
        "3rd",
        "!",
        "?!",
        " (",
        ")",
        "\u201d",
        "==",
    ]
    + [
        " \u00e9t\u00e9",
        " \u043c\u0438\u0440",
        "camelCase",
        "snake_case",
        "__init__",
        ".py",
        "\\n",
        " a\u2028b",
        "\u3000",
    ]
)


def spaces_as(mark: str) -> Vocabulary:
    """The texts with the space written as `mark` in the raw strings; the first one is special."""
    return Vocabulary(tuple(text.replace(" ", mark) for text in TEXTS), tuple(TEXTS), frozenset({0}))


@pytest.fixture(params=["\u0120", "\u2581", " "], ids=["byte-level", "sentencepiece", "plain"])
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    return spaces_as(request.param)


@pytest.fixture
def tokens_of(vocabulary: Vocabulary) -> Callable[[object], list[str]]:
    """The texts of token ids."""
    return lambda ids: [vocabulary.text[token] for token in ids]  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def gpt2(shared: Path) -> Vocabulary:
    return Vocabulary.load(shared / "gpt2")


@pytest.fixture(scope="session")
def gpt2_library(gpt2: Vocabulary, nltk_data: Path, common: Path) -> TokenSetLibrary:
    """The whole library of GPT-2's vocabulary, with every family, built once for all workers of this session."""
    with FileLock(common / "gpt2-library.lock"):
        library, skipped = built_library(gpt2, ByteCache(common / "gpt2-library"))
    assert skipped == []
    return library
