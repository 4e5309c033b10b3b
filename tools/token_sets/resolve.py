"""From a TokenSetSpec to token ids on one vocabulary, with what could not be mapped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import UsageError
from ..vocabulary import Vocabulary
from .library import TokenSetLibrary
from .patterns import Deadline, matching
from .spec import TokenSetSpec, Variants, parse_spec


@dataclass(frozen=True)
class Unmatched:
    """An item of a specification that stands for no token; `pieces` are the tokens it splits into, where known."""

    item: str
    reason: str
    pieces: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resolved:
    """Token ids (ascending int64, without special tokens) and the items that did not map to any."""

    ids: np.ndarray
    unmatched: tuple[Unmatched, ...]


def resolve(
    spec: TokenSetSpec | Mapping[str, Any] | str,
    vocabulary: Vocabulary,
    library: TokenSetLibrary | None = None,
    *,
    tokenizer: Any = None,
) -> Resolved:
    """Resolve a specification on a vocabulary. May be empty: see `check_testable`.

    `tokenizer` (Hugging Face), where given, names the pieces of words that are no single token. Raises UsageError
    for a malformed specification, an unknown library set, an id out of range or a regex that takes too long.
    """
    resolver = _Resolver(vocabulary, library, tokenizer)
    mask = resolver.mask(parse_spec(spec))
    return Resolved(np.flatnonzero(mask).astype(np.int64), tuple(dict.fromkeys(resolver.unmatched)))


def spellings(word: str, variants: Variants | None) -> list[str]:
    """The spellings of a word that count as it, without repeats; leading space and case as `variants` asks."""
    bare = word.removeprefix(" ") if variants in ("space", "all") else word
    space = " " if bare.startswith(" ") else ""
    forms = [bare]
    if variants in ("case", "all"):
        core = bare[len(space) :]
        forms += [space + form for form in (core.lower(), core[:1].upper() + core[1:].lower(), core.upper())]
    if variants in ("space", "all"):
        forms += [" " + form for form in forms]
    return list(dict.fromkeys(forms))


class _Resolver:
    """One request: boolean masks over the vocabulary, so that the set algebra is numpy's."""

    def __init__(self, vocabulary: Vocabulary, library: TokenSetLibrary | None, tokenizer: Any) -> None:
        self.vocabulary = vocabulary
        self.library = library
        self.tokenizer = tokenizer
        self.deadline = Deadline()
        self.unmatched: list[Unmatched] = []
        self.ordinary = np.ones(len(vocabulary), bool)
        self.ordinary[list(vocabulary.special)] = False

    def mask(self, spec: TokenSetSpec) -> np.ndarray:
        value = spec.operand(spec.operator)
        match spec.operator:
            case "any":
                return np.logical_or.reduce([self.mask(part) for part in value])
            case "all":
                return np.logical_and.reduce([self.mask(part) for part in value])
            case "not":
                return self.ordinary & ~self.mask(value)
            case "minus":
                return self.mask(value[0]) & ~self.mask(value[1])
            case "regex":
                strings = self.vocabulary.raw if spec.on == "raw" else self.vocabulary.text
                return self._of(matching(value, strings, self.deadline))
            case "words":
                return self._of(self._words(value, spec.variants))
            case "ids":
                return self._of(self._ids(value))
            case "prefix" | "suffix":
                return self._of(self._affixed(value, spec.operator == "prefix"))
            case _:
                return self._of(self._library(value))

    def _of(self, ids: Iterable[int]) -> np.ndarray:
        mask = np.zeros(len(self.vocabulary), bool)
        mask[np.fromiter(ids, np.int64)] = True
        return mask & self.ordinary

    def _words(self, words: list[str], variants: Variants | None) -> list[int]:
        table = self.vocabulary.id_of_text
        found: list[int] = []
        for word in words:
            ids = [table[form] for form in spellings(word, variants) if form in table]
            found += ids
            if not ids:
                self.unmatched.append(Unmatched(word, "no single token", self._pieces(word)))
        return found

    def _pieces(self, word: str) -> tuple[str, ...]:
        if self.tokenizer is None:
            return ()
        ids = self.tokenizer.encode(word, add_special_tokens=False)
        return tuple(self.vocabulary.shown(int(token)) for token in ids)

    def _ids(self, ids: list[int]) -> list[int]:
        last = len(self.vocabulary) - 1
        for token in ids:
            if not 0 <= token <= last:
                raise UsageError(f"Token id {token} is out of range: this vocabulary has ids 0 to {last}.")
            if token in self.vocabulary.special:
                self.unmatched.append(Unmatched(str(token), "special token"))
        return ids

    def _affixed(self, affix: str, at_start: bool) -> list[int]:
        fold = affix == affix.lower()
        spaced = at_start and affix.startswith(" ")
        found: list[int] = []
        for token, text in enumerate(self.vocabulary.text):
            word = text if spaced else text.strip(" ")
            word = word.lower() if fold else word
            if word.startswith(affix) if at_start else word.endswith(affix):
                found.append(token)
        return found

    def _library(self, name: str) -> list[int]:
        if self.library is None:
            raise UsageError(f"The token set names the library set {name!r}, but no library is open.")
        if self.library.vocabulary_hash != self.vocabulary.hash:
            raise UsageError("The library belongs to another vocabulary: build one for this tokenizer.")
        return [int(token) for token_set in self.library.select(name) for token in token_set.ids]
