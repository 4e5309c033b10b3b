"""The word lists that tsea brings along, text files in `words/`: a name and a colon, then words on indented lines."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path


@functools.cache
def word_lists(file: str) -> Mapping[str, tuple[str, ...]]:
    """The lists of `words/FILE.txt`, by name, in order."""
    lists: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in (Path(__file__).parent / "words" / f"{file}.txt").read_text("utf-8").splitlines():
        if line.startswith(" "):
            lists[name] += tuple(line.split())
        elif line.endswith(":") and not line.startswith("#"):
            name = line[:-1]
            lists[name] = ()
    return lists


@functools.cache
def function_words() -> frozenset[str]:
    """Words of grammar rather than content."""
    lists = word_lists("grammar")
    return frozenset(word for name in ("function_word", "pronoun", "preposition") for word in lists[name])
