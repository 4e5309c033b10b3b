"""Token sets as GMT, the gene-set community's format, and their provenance as a JSON file beside it.

One set a line: name, description, members, separated by tabs. Members are raw vocabulary strings in which the
backslash, the comma and every whitespace character are escaped, so that any GMT reader gives them back whole.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import TseaError, UsageError
from ..files import atomic_write, write_failure
from ..phrases import listing, number_of
from ..vocabulary import Vocabulary, read_back
from .derivation import Derivation
from .library import TokenSet, TokenSetLibrary
from .sources import IMPORTED, SOURCES

FORMAT = "tsea-sets-1"
_SHORT = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_LONG = {escaped: plain for plain, escaped in _SHORT.items()}
_UNSAFE = re.compile(r"[^\S ]|[\ud800-\udfff]")
# gseapy takes a member to end at its first comma.
_UNSAFE_MEMBER = re.compile(r"[\\\s,\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)")


@dataclass
class GmtReport:
    """What reading a GMT file found: members that mapped to tokens and did not, by line and set, and lines left out."""

    sets: int = 0
    mapped: int = 0
    repeated: int = 0
    unknown: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    left_out: list[tuple[int, str]] = field(default_factory=list)

    def lines(self, most: int = 5) -> list[str]:
        """The report for people: a summary, then one line for each of the first `most` troubles of the file."""
        unknown = sum(map(len, self.unknown.values()))
        tokens = f"{number_of(self.mapped, 'member')} {'is a token' if self.mapped == 1 else 'are tokens'}"
        summary = f"{number_of(self.sets, 'set')}, {tokens}, {self.repeated} repeated, {unknown} unknown"
        troubles = [
            *(
                (line, f"{name}: no token for {listing(missing, most)}")
                for (line, name), missing in self.unknown.items()
            ),
            *((line, f"{what}, left out") for line, what in self.left_out),
        ]
        shown = [f"line {line}: {what}" for line, what in sorted(troubles)[:most]]
        more = len(troubles) - most
        return [summary, *shown, *([f"... and {number_of(more, 'line')} more of the kind"] if more > 0 else [])]


def format_gmt(library: TokenSetLibrary, vocabulary: Vocabulary) -> str:
    """The library as GMT text, a line for every set that it was given."""
    sets = library.given
    escaped = {token: _escape(vocabulary.raw[token]) for s in sets for token in s.ids.tolist()}
    rows = ([s.name, _UNSAFE.sub(" ", s.description), *(escaped[token] for token in s.ids.tolist())] for s in sets)
    return "".join("\t".join(row) + "\n" for row in rows)


def format_provenance(library: TokenSetLibrary) -> str:
    """The library's families, sources, licences, credits and aliases as JSON text."""
    used = [SOURCES[name] for name in dict.fromkeys(s.source for s in library.given) if name in SOURCES]
    return json.dumps(
        {
            "format": FORMAT,
            "vocabulary": library.vocabulary_hash,
            "library": library.hash,
            "sources": {s.name: {"licence": s.licence, "credit": s.full_credit} for s in used},
            "sets": {
                s.name: {"family": s.family, "source": s.source, "licence": s.licence, "aliases": list(s.aliases)}
                | ({"derived_from": [origin.to_json() for origin in s.derived_from]} if s.derived_from else {})
                for s in library.given
            },
        },
        ensure_ascii=False,
        indent=1,
    )


def parse_gmt(
    text: str, vocabulary: Vocabulary, provenance: Mapping[str, Any] | None = None
) -> tuple[TokenSetLibrary, GmtReport]:
    """Sets from GMT text and, where there is one, its parsed provenance.

    Empty lines and Windows line ends are accepted. Members that are no token, repeats, sets without any token and
    second sets of a name are left out and reported. Raises UsageError when no line is GMT, or there is none.
    """
    report = GmtReport()
    details: Mapping[str, Any] = (provenance or {}).get("sets", {})
    sets: dict[str, TokenSet] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        name, *rest = line.rstrip("\r").split("\t")
        name = name.strip()
        members = [member for member in rest[1:] if member]
        if not name and not members:
            continue
        if not name:
            report.left_out.append((number, "a set without a name"))
            continue
        if name in sets:
            report.left_out.append((number, f"a second set {name}"))
            continue
        ids = _members((number, name), members, vocabulary, report)
        if not ids:
            report.left_out.append((number, f"{name} has no member that is a token"))
            continue
        about = details.get(name, {})
        sets[name] = TokenSet(
            name,
            about.get("family", IMPORTED.name),
            rest[0].strip(),
            np.array(ids, np.int64),
            about.get("source", IMPORTED.name),
            about.get("licence", IMPORTED.licence),
            tuple(about.get("aliases", ())),
            tuple(map(Derivation.from_json, about.get("derived_from", ()))),
        )
    if "\t" not in text:
        what = "No line is GMT" if text.strip() else "The file is empty"
        raise UsageError(f"{what}: each line needs a name, a description and members, separated by tabs.")
    report.sets = len(sets)
    return TokenSetLibrary(sets.values(), vocabulary.hash), report


def write_gmt(library: TokenSetLibrary, vocabulary: Vocabulary, path: Path) -> None:
    """Write FILE.gmt and FILE.gmt.json; raises TseaError when that is not possible."""
    if path.is_dir():  # before the file beside it is written
        raise write_failure(path, IsADirectoryError(errno.EISDIR, ""))
    atomic_write(beside(path), format_provenance(library).encode())
    atomic_write(path, format_gmt(library, vocabulary).encode())


def read_gmt(path: Path, vocabulary: Vocabulary) -> tuple[TokenSetLibrary, GmtReport]:
    """Read a GMT file, with FILE.gmt.json where it is there; raises UsageError for a file that is none."""
    try:
        text = path.read_bytes().decode("utf-8")
        extra = beside(path)
        provenance = json.loads(extra.read_text("utf-8")) if extra.exists() else None
        return parse_gmt(text, vocabulary, provenance)
    except FileNotFoundError:
        raise UsageError(f"No file {path}.") from None
    except OSError as error:
        raise TseaError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise UsageError(f"{path} or the JSON file beside it is damaged or no UTF-8 text: {error}.") from None


def _members(place: tuple[int, str], members: list[str], vocabulary: Vocabulary, report: GmtReport) -> list[int]:
    found: set[int] = set()
    for member in members:
        written = _unescape(member)
        ways = (
            (vocabulary.id_of_raw, written),
            (vocabulary.id_of_text, written),
            (vocabulary.id_of_text, read_back(written)),
        )
        token = next((table[text] for table, text in ways if text in table), None)
        if token is None or token in vocabulary.special:
            report.unknown.setdefault(place, []).append(member)
        elif token in found:
            report.repeated += 1
        else:
            found.add(token)
    report.mapped += len(found)
    return sorted(found)


def _escape(raw: str) -> str:
    return _UNSAFE_MEMBER.sub(lambda found: _SHORT.get(found[0], f"\\u{ord(found[0]):04x}"), raw)


def _unescape(member: str) -> str:
    return _ESCAPE.sub(lambda found: _LONG.get(found[0]) or _character(found[0]), member) if "\\" in member else member


def _character(escape: str) -> str:
    return chr(int(escape[2:], 16)) if len(escape) == 6 else escape


def beside(path: Path) -> Path:
    """The file with the provenance of a GMT file."""
    return path.with_name(path.name + ".json")
