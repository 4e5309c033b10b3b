"""Sets that people add to every library: GMT files in the folder `sets` of TSEA_HOME, one file a family."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable
from pathlib import Path

from .errors import TseaError, UsageError, nearest
from .files import atomic_write
from .storage.home import home
from .token_sets.build import FAMILIES
from .token_sets.gmt import GmtReport, beside, read_gmt, write_gmt
from .token_sets.library import TokenSet, TokenSetLibrary
from .vocabulary import Vocabulary

_FAMILY = re.compile("[a-z][a-z0-9_]*")


def import_file(path: Path, family: str, vocabulary: Vocabulary) -> tuple[GmtReport, int]:
    """File the sets of a GMT file as a family of every library; a report of what `vocabulary` lacks, and the number of
    sets that a family of that name had before.

    Raises UsageError for a file that is no GMT or has nothing for this vocabulary, and for a family that is built in.
    """
    _check_family(family)
    imported, report = read_gmt(path, vocabulary)
    if not len(imported):
        advice = "write members as text, with leading spaces, or as the tokenizer's own strings"
        raise UsageError(f"No set of {path} has a token of this vocabulary: {advice}.", report.lines())
    kept = _file(family)
    replaced = sum(map(bool, kept.read_bytes().split(b"\n"))) if kept.exists() else 0
    if beside(path).exists():
        atomic_write(beside(kept), beside(path).read_bytes())
    else:
        beside(kept).unlink(missing_ok=True)
    atomic_write(kept, path.read_bytes())
    return report, replaced


def add_sets(family: str, sets: Iterable[TokenSet], vocabulary: Vocabulary) -> int:
    """Add sets to a family, in place of those of the same name; the size that the family has then.

    Raises UsageError for a family that is built in or holds sets of another vocabulary: rewritten for this one they
    would lose what it lacks.
    """
    _check_family(family)
    path = _file(family)
    old: list[TokenSet] = []
    if path.exists():
        provenance = json.loads(beside(path).read_text("utf-8")) if beside(path).exists() else {}
        if provenance.get("vocabulary") != vocabulary.hash:
            raise UsageError(f"The family {family!r} holds sets of another tokenizer: choose another with --name.")
        old = list(read_gmt(path, vocabulary)[0].given)
    new = {s.name: s for s in sets}
    kept = (dataclasses.replace(s, aliases=tuple(a for a in s.aliases if a not in new)) for s in old)
    library = TokenSetLibrary([*(s for s in kept if s.name not in new), *new.values()], vocabulary.hash)
    write_gmt(library, vocabulary, path)
    return len(library.given)


def remove_family(family: str) -> None:
    """Delete a family; raises UsageError when there is none of that name."""
    if family not in imported_families():
        raise UsageError(_no_family(family))
    _file(family).unlink()
    beside(_file(family)).unlink(missing_ok=True)


def describe(name: str, text: str) -> None:
    """Give one set (FAMILY.NAME) another description; raises UsageError when there is no such set."""
    family, _, own = name.partition(".")
    if family not in imported_families():
        raise UsageError(_no_family(family))
    path = _file(family)
    rows = [line.split("\t") for line in path.read_text("utf-8").split("\n")]
    names = [row[0] for row in rows]
    if own not in names[:-1]:
        raise UsageError(f"No token set {own!r} in the family {family}.{nearest(own, names)}")
    rows[names.index(own)][1:2] = [" ".join(text.split())]
    atomic_write(path, "\n".join("\t".join(row) for row in rows).encode())


def imported_families() -> list[str]:
    """Names of the families that were added."""
    return sorted(path.stem for path in _folder().glob("*.gmt"))


def imported_sets(vocabulary: Vocabulary) -> tuple[list[TokenSet], list[str]]:
    """Every added set on a vocabulary, named FAMILY.NAME, and one line for each file that cannot be read.

    Sets made from features come first, so that a copy that does not say so is an alias of them.
    """
    sets: list[TokenSet] = []
    skipped: list[str] = []
    for family in imported_families():
        try:
            found, _ = read_gmt(_file(family), vocabulary)
        except TseaError as error:
            skipped.append(f"{family}: {error}")
            continue
        for s in found.given:
            aliases = tuple(f"{family}.{alias}" for alias in s.aliases)
            sets.append(dataclasses.replace(s, name=f"{family}.{s.name}", family=family, aliases=aliases))
    return sorted(sets, key=lambda s: not s.derived_from), skipped


def _check_family(family: str) -> None:
    if not _FAMILY.fullmatch(family) or family in FAMILIES:
        taken = "is built in" if family in FAMILIES else "is no name of lower-case letters, digits and _"
        raise UsageError(f"The family {family!r} {taken}: choose another with --name.")


def _no_family(family: str) -> str:
    known = imported_families()
    have = f" Families: {', '.join(known)}." if known else " Nothing was imported or derived yet."
    return f"No imported or derived family {family!r}.{nearest(family, known)}{have}"


def _file(family: str) -> Path:
    return _folder() / f"{family}.gmt"


def _folder() -> Path:
    return home() / "sets"
