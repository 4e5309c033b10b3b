"""Token sets: the language in which a set is written, the library of named sets, and what is sealed."""

from .library import TokenSet, TokenSetLibrary, check_testable
from .resolve import Resolved, Unmatched, resolve
from .spec import TokenSetSpec, parse_spec
from .split import token_split

__all__ = [
    "Resolved",
    "TokenSet",
    "TokenSetLibrary",
    "TokenSetSpec",
    "Unmatched",
    "check_testable",
    "parse_spec",
    "resolve",
    "token_split",
]
