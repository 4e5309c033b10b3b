"""Words by their letters: first letter, prefix and suffix as spelling, without asking whether the rest is a word."""

from __future__ import annotations

import string
from collections import defaultdict
from collections.abc import Iterable, Iterator

from ..view import Candidate, Token, TokenView, to_ids
from ..word_lists import word_lists

MIN_GROUP = 50
MIN_REST = 3
CONTRACTIONS = ("'s", "'t", "n't", "'re", "'ve", "'ll", "'d", "'m")


def letter_sets(view: TokenView) -> Iterator[Candidate]:
    """First letter of words with leading space, in any case."""
    groups: dict[str, list[Token]] = defaultdict(list)
    for token in view.letters:
        if token.spaced:
            groups[token.word[0].lower()].append(token)
    for letter in string.ascii_lowercase:
        yield Candidate(letter, f"Words with leading space that begin with the letter {letter}", to_ids(groups[letter]))


def prefix_sets(view: TokenView) -> Iterator[Candidate]:
    """First two and three letters of words (leading space or capital), where enough share them; longer prefixes."""
    longer = frozenset(word_lists("affixes")["prefix"])
    lengths = _lengths(longer)
    groups: dict[str, list[Token]] = defaultdict(list)
    for token in view.letters:
        if token.word.isascii() and (token.spaced or token.word[0].isupper()):
            word = token.word.lower()
            for start in {word[:2], word[:3], *(word[:length] for length in lengths if word[:length] in longer)}:
                if len(word) > len(start):
                    groups[start].append(token)
    for start in sorted(groups, key=lambda start: (len(start), start)):
        if len(groups[start]) >= MIN_GROUP or start in longer:
            yield Candidate(start, f"Words that begin with {start}-", to_ids(groups[start]))


def _lengths(affixes: Iterable[str]) -> list[int]:
    """The lengths that occur, so that a word's few beginnings or ends are looked up, instead of every affix tried."""
    return sorted({len(affix) for affix in affixes})


def suffix_sets(view: TokenView) -> Iterator[Candidate]:
    """Words that end with the suffix, and lower-case pieces without space, which may be the suffix alone."""
    suffixes = word_lists("affixes")["suffix"]
    ending: dict[str, list[tuple[str, Token]]] = {suffix: [] for suffix in suffixes}
    lengths = _lengths(suffixes)
    for token in view.letters:
        word = token.word.lower()
        for suffix in (word[-length:] for length in lengths if length <= len(word)):
            if suffix in ending:
                ending[suffix].append((word, token))
    for suffix, found in ending.items():
        shortest = len(suffix) + MIN_REST
        words = to_ids(t for word, t in found if len(word) >= shortest and (t.spaced or t.word[0].isupper()))
        pieces = to_ids(t for word, t in found if not t.spaced and word == t.word)
        yield Candidate(suffix, f"Words that end with -{suffix}", words)
        if len(pieces) >= MIN_GROUP:
            yield Candidate(f"{suffix}.piece", f"Lower-case pieces without space that end with -{suffix}", pieces)


def contraction_sets(view: TokenView) -> Iterator[Candidate]:
    """Contracted endings and the words that end with one."""
    endings = (*CONTRACTIONS, *(ending.replace("'", "\u2019") for ending in CONTRACTIONS))
    tokens = [token for token in view.tokens if token.word.lower().endswith(endings)]
    yield Candidate("ending", "Contracted endings ('s, n't, 'll) and words that end with one", to_ids(tokens))
    after = to_ids(token for token in view.tokens if token.word[:1] in ("'", "\u2019") and token.word[1:].isalpha())
    yield Candidate("after_apostrophe", "An apostrophe followed by letters", after)
