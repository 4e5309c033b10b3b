"""Punctuation by role, brackets, quotes, operators, currency and whitespace."""

from __future__ import annotations

from collections.abc import Iterator

from ..view import Candidate, TokenView, to_ids

_ANY = r"[^\w\s]"
_OPEN_QUOTE, _CLOSE_QUOTE = "\u201c\u2018\u00ab\u2039\u201e", "\u201d\u2019\u00bb\u203a"

_PUNCTUATION = {
    "any": ("Punctuation and symbols only", rf"{_ANY}+"),
    "single": ("A single symbol", _ANY),
    "run": ("Two or more symbols", rf"{_ANY}{{2,}}"),
    "repeated": ("The same symbol repeated", rf"({_ANY})\1+"),
    "ends_sentence": (
        "Ends a sentence: full stop, question or exclamation mark, with what may follow",
        r"[^\w\s]*[.!?\u2026]+[\"'\u201d\u2019)\]*]*",
    ),
    "full_stop": ("Tokens that hold a full stop and no letter or digit", r"[^\w\s]*\.[^\w\s]*"),
    "question_exclamation": ("Tokens that hold a question or exclamation mark", r"[^\w\s]*[?!][^\w\s]*"),
    "comma": ("Tokens that hold a comma", r"[^\w\s]*,[^\w\s]*"),
    "colon_semicolon": ("Tokens that hold a colon or semicolon", r"[^\w\s]*[:;][^\w\s]*"),
    "semicolon": ("Tokens that hold a semicolon", r"[^\w\s]*;[^\w\s]*"),
    "colon": ("Tokens that hold a colon", r"[^\w\s]*:[^\w\s]*"),
    "dash": ("Hyphens and dashes", r"[^\w\s]*[-\u2010-\u2015\u2212][^\w\s]*"),
    "slash": ("Slashes and backslashes", r"[^\w\s]*[/\\][^\w\s]*"),
    "ellipsis": ("Ellipses", r"[^\w\s]*(?:\.\.+|\u2026)[^\w\s]*"),
    "asterisk": ("Asterisks", r"[^\w\s]*\*[^\w\s]*"),
    "rule": ("Runs of four or more dashes, equals signs, stars and the like", r"([-=*_#~+.])\1{3,}.*"),
    "bullet": ("Bullets and list signs", r"[-*+\u2022\u00b7\u25cf\u25a0\u2013\u25e6>]"),
    "with_letters": ("Symbols before letters", rf"{_ANY}+[A-Za-z]+"),
    "after_letters": ("Letters before symbols", rf"[A-Za-z]+{_ANY}+"),
}
_BRACKETS = {
    "opens": ("Tokens that end with an opening bracket", r"[^\w\s]*[(\[{<]"),
    "closes": ("Tokens that begin with a closing bracket", r"[)\]}>][^\w\s]*"),
    "round_open": ("Tokens that hold ( and no )", r"[^\w\s)]*\([^\w\s)]*"),
    "round_close": ("Tokens that hold ) and no (", r"[^\w\s(]*\)[^\w\s(]*"),
    "square": ("Tokens that hold a square bracket", r"[^\w\s]*[\[\]][^\w\s]*"),
    "square_open": ("Tokens that hold [ and no ]", r"[^\w\s\]]*\[[^\w\s\]]*"),
    "square_close": ("Tokens that hold ] and no [", r"[^\w\s\[]*\][^\w\s\[]*"),
    "curly": ("Tokens that hold a curly bracket", r"[^\w\s]*[{}][^\w\s]*"),
    "angle": ("Tokens that hold an angle bracket", r"[^\w\s]*[<>][^\w\s]*"),
    "empty_pair": ("Tokens that open and closes at once", r"[^\w\s]*(?:\(\)|\[\]|\{\}|<>)[^\w\s]*"),
    "close_and_stop": ("A closing bracket, then punctuation", r"[)\]}>]+[.,;:!?]+[^\w\s]*"),
    "any": ("Tokens that hold a bracket", r"[^\w\s]*[()\[\]{}<>][^\w\s]*"),
    "before_letters": ("An opening bracket before letters or digits", r"[(\[{<][\w]+"),
}
_QUOTES = {
    "any": (
        "Tokens that hold a quotation mark and no letter or digit",
        rf"[^\w\s]*[\"'`{_OPEN_QUOTE}{_CLOSE_QUOTE}][^\w\s]*",
    ),
    "double": ("Tokens that hold a double quotation mark", r"[^\w\s]*[\"\u201c\u201d][^\w\s]*"),
    "single": ("Tokens that hold an apostrophe or single quotation mark", r"[^\w\s]*['\u2018\u2019`][^\w\s]*"),
    "opens": (
        "Tokens that end with an opening quotation mark, typographic or after a bracket",
        rf"[^\w\s]*[{_OPEN_QUOTE}]|[(\[{{=,:]+[\"']",
    ),
    "closes": (
        "A closing quotation mark, typographic or with punctuation",
        rf"[^\w\s]*[{_CLOSE_QUOTE}][^\w\s]*|[.,;:!?]+[\"']|[\"'][.,;:!?)\]}}]+[^\w\s]*",
    ),
    "stop_inside": ("Punctuation before a quotation mark", r"[.,;:!?\u2026-]+[\"'\u201d\u2019]+[^\w\s]*"),
    "stop_outside": ("A quotation mark before punctuation", r"[\"'\u201d\u2019`]+[.,;:!?]+[^\w\s]*"),
    "before_letters": ("A quotation mark before letters", r"[\"'`\u201c\u2018]\w+"),
}
_OPERATORS = {
    "any": ("Operators of mathematics and code", r"[-+*/%=<>!&|^~?:.@\u00d7\u00f7\u2212\u2264\u2265\u2260\u00b1]+"),
    "comparison": ("Comparisons", r"===?|!==?|<=?|>=?|<>|\u2264|\u2265|\u2260|=~"),
    "assignment": ("Assignments", r"[-+*/%&|^:]?=|<<=|>>=|\*\*=|//=|\|\|=|<-"),
    "arithmetic": ("Arithmetic", r"\+\+?|--?|\*\*?|//?|%|\^|\u00d7|\u00f7|\u2212|\u00b1"),
    "logical": ("Logical and bitwise", r"&&?|\|\|?|!|~|\^|<<|>>"),
    "arrow": ("Arrows and arrow-like", r"[-=~]+>|<[-=~]+>?|[\u2190-\u21ff\u27f0-\u27ff]+|::|->|=>"),
    "holds_equals": ("Tokens that hold an equals sign", r"[^\w\s]*=[^\w\s]*"),
    "currency": ("Currency signs, alone or with other symbols", r"[^\w\s]*[$\u00a2-\u00a5\u20a0-\u20bf][^\w\s]*"),
    "degree_percent": ("Percent, degree and similar unit signs", r"[^\w\s]*[%\u2030\u00b0\u2032\u2033\u00b5][^\w\s]*"),
    "hash_at": ("Hash and at signs", r"[^\w\s]*[#@][^\w\s]*"),
    "math_sign": (
        "Mathematical signs beyond ASCII",
        r"[^\w\s]*[\u00ac\u00b1\u00d7\u00f7\u2200-\u22ff\u2a00-\u2aff][^\w\s]*",
    ),
}


def punctuation_sets(view: TokenView) -> Iterator[Candidate]:
    """Punctuation by role."""
    for name, (description, pattern) in _PUNCTUATION.items():
        yield Candidate(name, description, view.matching(pattern))


def bracket_sets(view: TokenView) -> Iterator[Candidate]:
    """Brackets by kind and by side."""
    for name, (description, pattern) in _BRACKETS.items():
        yield Candidate(name, description, view.matching(pattern))


def quote_sets(view: TokenView) -> Iterator[Candidate]:
    """Quotation marks by kind, side and neighbouring punctuation."""
    for name, (description, pattern) in _QUOTES.items():
        yield Candidate(name, description, view.matching(pattern))


def operator_sets(view: TokenView) -> Iterator[Candidate]:
    """Operators, arrows, currency and unit signs."""
    for name, (description, pattern) in _OPERATORS.items():
        yield Candidate(name, description, view.matching(pattern))


def whitespace_sets(view: TokenView) -> Iterator[Candidate]:
    """Spaces, tabs, newlines and indentation."""
    blank = [token for token in view.tokens if token.text and token.text.isspace()]
    newline = [token for token in view.tokens if "\n" in token.text or "\r" in token.text]
    yield Candidate("only", "Whitespace only", to_ids(blank))
    yield Candidate(
        "spaces", "Two or more spaces", to_ids(t for t in blank if len(t.text) > 1 and not t.text.strip(" "))
    )
    yield Candidate("newline", "Tokens that hold a newline", to_ids(newline))
    yield Candidate(
        "indent", "A newline and then indentation", to_ids(t for t in newline if t.text.endswith((" ", "\t")))
    )
    yield Candidate("tab", "Tokens that hold a tab", to_ids(t for t in view.tokens if "\t" in t.text))
    yield Candidate(
        "text_then_newline", "Other characters and a newline", to_ids(t for t in newline if not t.text.isspace())
    )
    yield Candidate(
        "trailing",
        "Tokens that end with whitespace after other characters",
        to_ids(t for t in view.tokens if t.text[-1:].isspace() and not t.text.isspace()),
    )
