"""The five regex sets of Bloom & Lin 2024, by their own definition: `re.match` on the raw vocabulary string."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..view import Candidate, TokenView, to_ids

# GPT-2 writes a leading space as U+0120; other vocabularies are brought to that spelling.
_SPACES = str.maketrans("\u2581 ", "\u0120\u0120")
PATTERNS = {
    "starts_with_space": ("Tokens with leading space", "\u0120.*"),
    "starts_with_capital": ("Tokens that begin with a capital, with or without leading space", "^\u0120*[A-Z].*"),
    "all_digits": ("Digits and nothing else", r"^\u0120*\d+$"),
    "is_punctuation": ("Punctuation without a space", r"^[^\w\s]+$"),
    "all_caps": ("Tokens of capitals only", "\u0120*[A-Z]+$"),
}


def regex_sets(view: TokenView) -> Iterator[Candidate]:
    """The published classes; sizes on GPT-2's vocabulary are those of the paper."""
    for name, (description, pattern) in PATTERNS.items():
        match = re.compile(pattern).match
        tokens = (token for token in view.tokens if match(token.raw.translate(_SPACES)))
        yield Candidate(name, description, to_ids(tokens))
