"""How a token looks: capitalisation, leading space, length, rank, and how it begins or continues a word."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..view import MIN_BARE_WORD, Candidate, TokenView, to_ids

_SHAPES = {
    "lower": ("of lower-case letters", r"[^\W\d_A-Z]+"),
    "title": ("of a capital followed by lower-case letters", r"[A-Z][^\W\d_A-Z]+"),
    "upper": ("of two or more capitals", r"[A-Z]{2,}"),
    "single_capital": ("of one capital letter", r"[A-Z]"),
    "single_letter": ("of one letter", r"[A-Za-z]"),
    "mixed_case": ("of a capital after a lower-case letter", r"[A-Za-z]*[a-z][A-Z][A-Za-z]*"),
    "letters_and_digits": ("of letters and digits together", r"(?=.*[A-Za-z])(?=.*\d)[A-Za-z\d]+"),
    "letters_and_symbols": ("of letters and symbols together", r"(?=.*[A-Za-z])(?=.*[^\w\s]).+"),
    "apostrophe": ("with an apostrophe", r".*['\u2019].*"),
    "hyphen": ("with a hyphen", r".*-.*"),
    "underscore": ("with an underscore", r".*_.*"),
}
_LENGTHS = {
    **{str(size): (size, size) for size in range(1, 10)},
    "10_up": (10, 999),
    "1_3": (1, 3),
    "4_6": (4, 6),
    "7_up": (7, 999),
}
_VOWEL, _CONSONANT = "[aeiouAEIOU]", "[b-df-hj-np-tv-zB-DF-HJ-NP-TV-Z]"


def shape_sets(view: TokenView) -> Iterator[Candidate]:
    """Capitalisation and composition, each also by leading space."""
    for name, (description, pattern) in _SHAPES.items():
        ids = view.matching(pattern)
        yield Candidate(name, f"Tokens {description}", ids)
        yield from view.halves(name, f"Tokens {description}", ids)


def length_sets(view: TokenView) -> Iterator[Candidate]:
    """Words of letters by their length, with and without leading space."""
    for name, (low, high) in _LENGTHS.items():
        ids = to_ids(token for token in view.letters if low <= len(token.word) <= high)
        span = f"{low}" if low == high else f"{low} or more" if high == 999 else f"{low} to {high}"
        yield from view.halves(name, f"Words of {span} letters", ids)


def rank_sets(view: TokenView) -> Iterator[Candidate]:
    """Bands of token ids, each twice as wide as the one before: tokenizers give frequent pieces low ids."""
    ids = np.array([token.id for token in view.tokens], np.int64)
    low = 256
    while low < view.size:
        high = min(2 * low, view.size)
        yield Candidate(f"{low}_{high - 1}", f"Token ids {low} to {high - 1}", ids[(ids >= low) & (ids < high)])
        low = high
    last = view.size - view.size // 10
    yield Candidate("last_tenth", "The last tenth of the token ids, the rarest pieces", ids[ids >= last])


def piece_sets(view: TokenView) -> Iterator[Candidate]:
    """How pieces make words: starting one, continuing one, and the sounds where they meet."""
    letters = view.letters
    bare = [token for token in letters if not token.spaced]
    lower = [token for token in bare if token.word[0].islower()]
    spaced = [token for token in letters if token.spaced]
    for size in range(1, MIN_BARE_WORD):
        ids = to_ids(token for token in lower if len(token.word) == size)
        yield Candidate(f"continues_word.{size}", f"Lower-case pieces of {size} letters without space", ids)
    ids = to_ids(token for token in lower if len(token.word) >= MIN_BARE_WORD)
    yield Candidate("continues_word.long", f"Lower-case pieces of {MIN_BARE_WORD} or more letters without space", ids)
    for sound, pattern in (("vowel", _VOWEL), ("consonant", _CONSONANT)):
        first, last = view.matching(f"{pattern}[A-Za-z]*"), view.matching(f"[A-Za-z]*{pattern}")
        starts, continues = to_ids(spaced), to_ids(lower)
        yield Candidate(
            f"word_begins.{sound}", f"Words with leading space that begin with a {sound}", np.intersect1d(first, starts)
        )
        yield Candidate(
            f"word_ends.{sound}", f"Words with leading space that end with a {sound}", np.intersect1d(last, starts)
        )
        yield Candidate(
            f"piece_begins.{sound}", f"Lower-case pieces that begin with a {sound}", np.intersect1d(first, continues)
        )
        yield Candidate(
            f"piece_ends.{sound}", f"Lower-case pieces that end with a {sound}", np.intersect1d(last, continues)
        )
    yield Candidate("no_vowel", "Letters without a vowel", view.matching("[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ]{2,}"))
    yield Candidate("doubled_letter", "Words with a doubled letter", view.matching(r"[A-Za-z]*([A-Za-z])\1[A-Za-z]*"))
