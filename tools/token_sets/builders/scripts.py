"""Unicode scripts, accents, emoji and incomplete characters."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from ..view import REPLACEMENT, Candidate, TokenView, to_ids

_SCRIPTS = (
    "Cyrillic", "Greek", "Armenian", "Hebrew", "Arabic", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Tamil",
    "Telugu", "Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Tibetan", "Myanmar", "Georgian", "Hangul",
    "Ethiopic", "Khmer", "Mongolian", "Hiragana", "Katakana", "Han",
)  # fmt: skip
_OTHERS = {
    "latin_accented": ("Tokens that hold a Latin letter beyond ASCII", r"(?=[^\x00-\x7f])\p{Latin}"),
    "east_asian": (
        "Tokens that hold Han, Hiragana, Katakana or Hangul",
        r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]",
    ),
    "indic": (
        "Tokens that hold a script of South Asia",
        r"[\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Tamil}\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}]",
    ),
    "emoji": ("Tokens that hold an emoji", r"(?=[^\x00-\xff])\p{Emoji_Presentation}|\ufe0f"),
    "typographic": ("Tokens that hold a typographic quote, dash or ellipsis", r"[\u2010-\u2027]"),
    "box_drawing": ("Box drawing and block signs", r"[\u2500-\u25ff]"),
    "not_ascii": ("Tokens that hold a character beyond ASCII", rf"[^\x00-\x7f{REPLACEMENT}]"),
    "incomplete": ("Bytes that are no whole character", REPLACEMENT),
    "control": ("Tokens that hold a control or format character besides whitespace", r"(?!\s)[\p{Cc}\p{Cf}]"),
    "wide_space": ("Tokens that hold a space beyond ASCII", r"(?=[^\x00-\x7f])\s"),
}


def script_sets(view: TokenView) -> Iterator[Candidate]:
    """Tokens by the script of their characters."""
    beyond = [token for token in view.tokens if not (token.text.isascii() and token.text.isprintable())]
    patterns = {name.lower(): (f"Tokens that hold a {name} character", rf"\p{{Script={name}}}") for name in _SCRIPTS}
    for name, (description, pattern) in (patterns | _OTHERS).items():
        search = regex.compile(pattern).search
        yield Candidate(name, description, to_ids(token for token in beyond if search(token.text)))
