"""How tokens of source code and markup look: naming styles, tags, addresses, file endings."""

from __future__ import annotations

from collections.abc import Iterator

from ..view import Candidate, TokenView

_FILE_ENDINGS = (
    "py|js|ts|java|c|h|cpp|hpp|cc|rs|go|rb|php|html?|css|json|xml|ya?ml|txt|md|csv|png|jpe?g|gif|svg|pdf|zip|exe|sh|sql"
)
_STYLES = {
    "camel_case": ("Words joined in camel case", r"[a-z]+(?:[A-Z][a-z0-9]*)+"),
    "pascal_case": ("Words joined with capitals", r"(?:[A-Z][a-z0-9]+){2,}"),
    "snake_case": ("Words or pieces joined with underscores", r"[A-Za-z0-9]*_[A-Za-z0-9_]+|[A-Za-z0-9]+_"),
    "dunder": ("Two underscores and more", r".*__.*"),
    "constant_case": ("Capitals with underscores", r"[A-Z0-9]*_[A-Z0-9_]*[A-Z][A-Z0-9_]*|[A-Z][A-Z0-9]*_"),
    "call": ("Names or symbols before an opening round bracket", r".*[\w.]\("),
    "member": ("A dot before a name", r"\.[A-Za-z_]+"),
    "statement_end": ("Tokens that end with a semicolon or an opening curly bracket", r".*[;{]"),
    "comment": ("Begins a comment", r"//+.*|/\*+.*|#+|<!--|\*/|--|\"\"\"|'''|;;+"),
    "escape": ("Backslash sequences", r".*\\.*"),
    "markdown": ("Markdown signs", r"#{2,6}|\*\*+|```+|__+|---+|\]\(|!\[|>{2,}|~~+|\|+"),
    "tag": ("HTML and XML tags and their ends", r"</?.*|.*/?>"),
    "url": ("Parts of web addresses", r"https?|ftp|://|www|\.?(?:com|org|net|edu|gov|io|html?|php|aspx?)|.*//.*"),
    "file_ending": ("File name endings", rf"\.(?:{_FILE_ENDINGS})"),
    "exception_name": ("Names that end with Error or Exception", r"[A-Za-z]*(?:Error|Exception)"),
    "hexadecimal": ("Hexadecimal digits with a letter", r"(?=.*\d)(?=.*[a-fA-F])(?:0x)?[0-9a-fA-F]{2,}"),
}


def code_style_sets(view: TokenView) -> Iterator[Candidate]:
    """Naming styles, markup and other forms that only code has."""
    for name, (description, pattern) in _STYLES.items():
        yield Candidate(name, description, view.matching(pattern))
