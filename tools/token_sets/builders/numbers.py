"""Digits, years, ordinals and roman numerals."""

from __future__ import annotations

from collections.abc import Iterator

from ..view import Candidate, TokenView, to_ids

_PATTERNS = {
    "any": ("Tokens that hold a digit", r".*\d.*"),
    "1": ("One digit", r"\d"),
    "2": ("Two digits", r"\d\d"),
    "3": ("Three digits", r"\d\d\d"),
    "4": ("Four digits", r"\d{4}"),
    "5_up": ("Five or more digits", r"\d{5,}"),
    "leading_zero": ("Digits that begin with zero", r"0\d+"),
    "round": ("Numbers that end with zero", r"[1-9]\d*0"),
    "hundreds": ("Whole hundreds and thousands", r"[1-9]\d*00"),
    "ends_5": ("Numbers that end with five", r"\d+5"),
    "odd": ("Odd numbers of two or more digits", r"\d+[13579]"),
    "even": ("Even numbers of two or more digits", r"\d+[02468]"),
    "repeated": ("The same digit repeated", r"(\d)\1+"),
    "with_letters": ("Digits followed by letters", r"\d+[A-Za-z]+"),
    "with_symbols": ("Digits and symbols, as in prices, dates and decimals", r"(?=.*\d)(?=.*[^\w\s])[^A-Za-z]+"),
    "ordinal": ("Ordinals in digits", r"\d*(?:st|nd|rd|th|ST|ND|RD|TH)(?<=\d..)"),
    "decimal": ("Decimal fractions", r"\d*[.,]\d+"),
    "percent": ("Percentages", r"\d*%.*"),
    "roman": (
        "Roman numerals in capitals",
        r"(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})",
    ),
}


def digit_sets(view: TokenView) -> Iterator[Candidate]:
    """Tokens of digits by count, form and first digit."""
    for name, (description, pattern) in _PATTERNS.items():
        yield Candidate(name, description, view.matching(pattern))
    for digit in "0123456789":
        yield Candidate(f"begins_{digit}", f"Numbers that begin with {digit}", view.matching(rf"{digit}\d*"))


def year_sets(view: TokenView) -> Iterator[Candidate]:
    """Years by century and decade."""
    years = [(int(t.word), t) for t in view.tokens if len(t.word) == 4 and t.word.isascii() and t.word.isdigit()]
    spans = {"any": (1000, 2099), "recent": (1990, 2029)}
    spans |= {f"{century}00s": (century * 100, century * 100 + 99) for century in range(10, 21)}
    spans |= {f"{decade}0s": (decade * 10, decade * 10 + 9) for decade in range(170, 210)}
    for name, (low, high) in spans.items():
        ids = to_ids(token for year, token in years if low <= year <= high)
        yield Candidate(f"{name}" if name in ("any", "recent") else f"{low}_{high}", f"Years {low} to {high}", ids)
    yield Candidate(
        "begins", "Beginnings of years: 17 to 20, and the same with a third digit", view.matching(r"1[6-9]\d?|20[0-2]?")
    )
    yield Candidate("decade_word", "Decades such as 1990s", view.matching(r"(?:\d\d)?\d0['\u2019]?s"))
