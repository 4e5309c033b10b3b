"""From a TokenSetSpec to token ids on one vocabulary, with what could not be mapped."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import regex

from ..errors import UsageError, nearest, shortened
from ..vocabulary import Vocabulary
from .forms import inflected
from .library import TokenSetLibrary
from .patterns import Deadline, matching
from .spec import TokenSetSpec, Variants, parse_spec

MAX_CUT = 1000  # unmatched words whose pieces are shown
MAX_HINT = 40  # characters of a name that a message writes as a word


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
) -> Resolved:
    """Resolve a specification on a vocabulary. May be empty: see `check_testable`.

    Raises UsageError for a malformed specification, an unknown library set or script, an id out of range or a regex
    that takes too long.
    """
    resolver = _Resolver(vocabulary, library)
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


def script_pattern(name: str) -> regex.Pattern[str]:
    """What finds a character of a Unicode script; raises UsageError for an unknown one."""
    try:
        return regex.compile(rf"\p{{Script={name}}}") if name.isidentifier() else _no_script(name)
    except regex.error:
        return _no_script(name)


def _no_script(name: str) -> NoReturn:
    raise UsageError(f"No Unicode script {shortened(name)}: write for example Latin, Greek, Cyrillic, Han or Arabic.")


def _word(text: str) -> str:
    return text.strip(" ")


def _inflections(word: str) -> list[str]:
    """Inflected forms of a word, with its leading space and capitals."""
    bare = word.removeprefix(" ")
    space = word[: len(word) - len(bare)]
    forms = inflected(bare.lower())
    if bare.isupper() and len(bare) > 1:
        forms = [form.upper() for form in forms]
    elif bare[:1].isupper():
        forms = [form.capitalize() for form in forms]
    return [word, *(space + form for form in forms)]


class _Tables:
    """What requests look up of a vocabulary, made when first asked for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._texts: dict[tuple[bool, bool], list[str]] = {(True, False): list(vocabulary.text)}

    def texts(self, whole: bool, fold: bool) -> list[str]:
        """Token texts, without the spaces around them unless `whole`, in lower case if `fold`."""
        if (whole, fold) not in self._texts:
            words = self._texts[True, False]
            words = words if whole else list(map(_word, words))
            self._texts[whole, fold] = list(map(str.lower, words)) if fold else words
        return self._texts[whole, fold]

    @functools.cached_property
    def by_character(self) -> dict[str, list[int]]:
        """Tokens by the characters that they hold."""
        table: dict[str, list[int]] = {}
        for token, text in enumerate(self.texts(True, False)):
            for character in set(text):
                table.setdefault(character, []).append(token)
        return table

    @functools.cached_property
    def lengths(self) -> np.ndarray:
        """Characters of each token's word."""
        return np.array([len(word) for word in self.texts(False, False)])


_tables = functools.lru_cache(maxsize=4)(_Tables)


class _Resolver:
    """One request: boolean masks over the vocabulary, so that the set algebra is numpy's."""

    def __init__(self, vocabulary: Vocabulary, library: TokenSetLibrary | None) -> None:
        self.vocabulary = vocabulary
        self.library = library
        self.tables = _tables(vocabulary)
        self.deadline = Deadline(len(vocabulary))
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
                return self._of(self._words(spec))
            case "ids":
                return self._of(self._ids(value))
            case "prefix" | "suffix" | "contains":
                return self._of(self._holding(value, spec.operator))
            case "length":
                least, most = value
                lengths = self.tables.lengths
                return (least <= lengths) & (lengths <= most) & self.ordinary
            case "script":
                search = script_pattern(value).search
                return self._of(i for c, ids in self.tables.by_character.items() if search(c) for i in ids)
            case "pos":
                return self._of(self._part_of_speech(value))
            case _:
                return self._of(self._library(value))

    def _of(self, ids: Iterable[int] | np.ndarray) -> np.ndarray:
        mask = np.zeros(len(self.vocabulary), bool)
        mask[ids if isinstance(ids, np.ndarray) else np.fromiter(ids, np.int64)] = True
        return mask & self.ordinary

    def _words(self, spec: TokenSetSpec) -> list[int]:
        table = self.vocabulary.ids_of_text
        found: list[int] = []
        for word in spec.words or ():
            forms = _inflections(word) if spec.inflected else [word]
            spelt = [spelling for form in forms for spelling in spellings(form, spec.variants)]
            if ids := [i for spelling in spelt for i in table.get(spelling, ())]:
                found += ids
                continue
            # Cutting words into pieces takes long, and nobody reads thousands of them.
            pieces = self.vocabulary.pieces(word) if len(self.unmatched) < MAX_CUT else ()
            firsts = [cut[0] for s in spelt if (cut := self.vocabulary.pieces(s))] if spec.first_piece else []
            found += firsts
            reason = "no single token: the first piece of each spelling stands for it" if firsts else "no single token"
            self.unmatched.append(Unmatched(word, reason, tuple(map(self.vocabulary.shown, pieces))))
        return found

    def _ids(self, ids: list[int]) -> list[int]:
        last = len(self.vocabulary) - 1
        for token in ids:
            if not 0 <= token <= last:
                raise UsageError(f"Token id {token} is out of range: this vocabulary has ids 0 to {last}.")
            if token in self.vocabulary.special:
                self.unmatched.append(Unmatched(str(token), "special token"))
        return ids

    def _holding(self, part: str, operator: str) -> list[int]:
        whole = operator == "contains" or (operator == "prefix" and part.startswith(" "))
        test = {"prefix": str.startswith, "suffix": str.endswith, "contains": str.__contains__}[operator]
        texts = self.tables.texts(whole, part == part.lower())
        return [token for token, text in enumerate(texts) if test(text, part)]

    def _part_of_speech(self, tag: str) -> np.ndarray:
        """Of the families that hold tags, the better one comes first."""
        if self.library is None:
            raise UsageError("The token set names a part of speech, but no library is open.")
        for family in ("tag", "pos"):
            if f"{family}.{tag}" in self.library:
                return self._library(f"{family}.{tag}")
        known = [name.partition(".")[2] for name in self.library.names if name.startswith(("pos.", "tag."))]
        if not known and self.library.skipped:
            return self._library(f"pos.{tag}")  # which says what data is missing
        raise UsageError(
            f"No part of speech {shortened(tag)}.{nearest(tag, known)} Tags are those of the Penn treebank: VBD."
        )

    def _library(self, name: str) -> np.ndarray:
        if self.library is None:
            raise UsageError(f"The token set names the library set {shortened(name)}, but no library is open.")
        if self.library.vocabulary_hash != self.vocabulary.hash:
            raise UsageError("The library belongs to another vocabulary: build one for this tokenizer.")
        try:
            return np.concatenate([token_set.ids for token_set in self.library.select(name)])
        except UsageError as error:
            if not _word(name).isalpha() or len(name) > MAX_HINT:
                raise
            written = json.dumps({"words": [name]}, ensure_ascii=False)
            raise UsageError(f"{error} For the word itself write {written}.") from None
