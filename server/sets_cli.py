"""The commands `tsea sets ...`: the token set library of a subject or of a tokenizer alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..tools.phrases import listing, number_of
from . import options as opt
from .derive_cli import derive
from .terminal import print_json, print_lines, print_table, progress_bars

if TYPE_CHECKING:
    from ..tools.libraries import OpenLibrary
    from ..tools.results import ListedSet, SetOverlap, SuggestedSets

sets = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The library of token sets: list, search, write your own, compare, exchange as GMT.",
)
sets.add_typer(derive, name="derive")

Glob = Annotated[str, typer.Argument(metavar="[GLOB]", help="Only sets whose name fits, such as 'suffix.*'.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A set's name or alias.", show_default=False)]
Tokenizer = Annotated[
    Path | None,
    typer.Option(help="Folder of a saved tokenizer, instead of a subject: no model is opened.", show_default=False),
]
Gmt = Annotated[Path, typer.Argument(metavar="FILE.gmt", show_default=False)]
PREVIEW = 40  # tokens shown to people


@sets.command("list", epilog="Example: tsea sets list 'suffix.*' --tokenizer gpt2")
def list_sets(
    glob: Glob = "*", tokenizer: Tokenizer = None, subject: opt.SubjectName = "pocket", json: opt.Json = False
) -> None:
    """The sets, how many tokens and open tokens each has, and whether these are neither too few nor too many."""
    with _library(subject, tokenizer) as opened:
        listed = opened.listed(glob)
        if json:
            return print_json(listed)
        print_table(
            ("set", "family", "tokens", "open", "testable", "description"),
            (
                (s.name, s.family, s.size, s.open, "yes" if s.testable else "no", f"{s.description}{_namesakes(s)}")
                for s in listed
            ),
        )
        print_lines(f"Not built: {line}" for line in opened.skipped)


@sets.command(epilog="Example: tsea sets show pos.VBG")
def show(name: Name, tokenizer: Tokenizer = None, subject: opt.SubjectName = "pocket", json: opt.Json = False) -> None:
    """One set with its tokens, where it comes from, and the sets most like it."""
    with _library(subject, tokenizer) as opened:
        found = opened.shown(name)
        if json:
            return print_json([found])
        print_lines(
            [
                f"{found.name} ({found.family}): {found.description}",
                f"{number_of(found.size, 'token')}, {found.open} of them open",
                f"Source {found.source}, licence {found.licence}",
                *([f"Same tokens as {', '.join(found.aliases)}"] if found.aliases else []),
                *([f"Enrichment and labels call these tokens {found.same_as}"] if found.same_as else []),
                " ".join(opened.vocabulary.shown(token) for token in found.ids[:PREVIEW]),
                *([f"... and {found.size - PREVIEW} more (--json has all ids)"] if found.size > PREVIEW else []),
                *_alike(found.similar),
            ]
        )


@sets.command(epilog="Example: tsea sets search past tense")
def search(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[WORDS...]", help="All must occur, in name or description.")
    ] = None,
    token: Annotated[
        str | None, typer.Option(help="Only sets that hold this token, as text: ' red'.", show_default=False)
    ] = None,
    tokenizer: Tokenizer = None,
    subject: opt.SubjectName = "pocket",
    json: opt.Json = False,
) -> None:
    """Sets by words of their names and descriptions, or by a token they hold."""
    with _library(subject, tokenizer) as opened:
        found = opened.search(words or [], token)
        if json:
            return print_json(found)
        print_table(
            ("set", "tokens", "description"), ((s.name, s.size, f"{s.description}{_namesakes(s)}") for s in found)
        )
        print_lines([] if found else ["No set fits."])


@sets.command("resolve", epilog="""Example: tsea sets resolve --spec '{"words": ["red"], "variants": "all"}'""")
def resolve_spec(
    spec: Annotated[str, typer.Option(help="A token set in JSON, or a library name or glob.", show_default=False)],
    tokenizer: Tokenizer = None,
    subject: opt.SubjectName = "pocket",
    json: opt.Json = False,
) -> None:
    """The tokens that a written set stands for, what stands for none, and the library sets most like it."""
    from ..tools.token_sets.spec import parse_spec

    parsed = parse_spec(spec)  # what is malformed need not wait for a library
    with _library(subject, tokenizer) as opened:
        found = opened.resolved(parsed)
        if json:
            return print_json([found])
        print_lines(
            [
                f"{number_of(found.size, 'token')}, {found.open} of them open",
                " ".join(found.preview),
                *(
                    f"{item.item!r}: {item.reason}{f' ({chr(32).join(item.pieces)})' if item.pieces else ''}"
                    for item in found.unmatched
                ),
                *_alike(found.similar),
            ]
        )


@sets.command(epilog="Example: tsea sets suggest ' red' ' blue' ' green'")
def suggest(
    tokens: Annotated[
        list[str],
        typer.Argument(metavar="TOKEN...", help="Tokens as text: a leading space counts.", show_default=False),
    ],
    most: Annotated[int, typer.Option(min=1, help="How many sets to show.")] = 10,
    tokenizer: Tokenizer = None,
    subject: opt.SubjectName = "pocket",
    json: opt.Json = False,
) -> None:
    """Sets that hold more of some tokens than chance would have it, with p and q over all testable sets."""
    with _library(subject, tokenizer) as opened:
        found = opened.suggested(tokens, most)
        if json:
            return print_json([found])
        print_lines(_not_counted(found))
        print_table(
            ("set", "open", "shared", "p", "q", "tokens", "description"),
            ((s.set, s.size, s.shared, s.p, s.q, listing(s.tokens, 8), s.description) for s in found.sets),
        )
        print_lines([] if found.sets else ["No testable set holds any of them."])


@sets.command(epilog="Example: tsea sets overlap pos.VBD pos.VBN")
def overlap(
    first: Annotated[str, typer.Argument(metavar="SET", help="A set or a glob.", show_default=False)],
    second: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="Another one (default: pairs inside the first).")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="How many pairs to show.")] = 50,
    tokenizer: Tokenizer = None,
    subject: opt.SubjectName = "pocket",
    json: opt.Json = False,
) -> None:
    """How many tokens sets share, most alike first."""
    with _library(subject, tokenizer) as opened:
        pairs = opened.overlaps(first, second)[:most]
        if json:
            return print_json(pairs)
        print_table(
            ("set", "other", "tokens", "other's", "shared", "Jaccard", "contained"),
            ((p.set, p.other, p.size, p.other_size, p.shared, p.jaccard, p.contained) for p in pairs),
        )


@sets.command(epilog="Example: tsea sets build --tokenizer gpt2 --download")
def build(
    download: Annotated[bool, typer.Option("--download", help="Fetch NLTK data that is missing first.")] = False,
    tokenizer: Tokenizer = None,
    subject: opt.SubjectName = "pocket",
) -> None:
    """Build the library where the cache has none, and say what it holds; other commands do so when they need one."""
    from ..tools.token_sets.nltk_files import download_missing
    from ..tools.token_sets.sources import SOURCES

    if download:
        print_lines(download_missing(resource for source in SOURCES.values() for resource in source.needs))
    with _library(subject, tokenizer) as opened:
        print_table(("family", "sets", "testable"), opened.families())
        print_lines(
            [f"Library {opened.library.hash}: {number_of(len(opened.library), 'set')}, {len(opened.testable)} testable"]
        )
        print_lines(f"Not built: {line}" for line in opened.skipped)


@sets.command("export", epilog="Example: tsea sets export mine.gmt 'topic.*'")
def export_gmt(path: Gmt, glob: Glob = "*", tokenizer: Tokenizer = None, subject: opt.SubjectName = "pocket") -> None:
    """Write sets as GMT, members as the tokenizer's own strings, with provenance in FILE.gmt.json."""
    from ..tools.token_sets.gmt import write_gmt

    with _library(subject, tokenizer) as opened:
        chosen = opened.library.select(glob)
        write_gmt(chosen, opened.vocabulary, path)
        print_lines([f"Wrote {number_of(len(chosen.given), 'set')} to {path}"])


@sets.command("import", epilog="Example: tsea sets import theirs.gmt --name theirs")
def import_gmt(
    path: Gmt,
    name: Annotated[
        str | None, typer.Option(help="Family the sets are filed under (default: the file's name).", show_default=False)
    ] = None,
    tokenizer: Tokenizer = None,
    subject: opt.SubjectName = "pocket",
) -> None:
    """Add the sets of a GMT file to the library of every tokenizer; what is no token is reported and left out."""
    from ..tools.imported_sets import import_file

    with _library(subject, tokenizer) as opened:
        family = name or path.name.split(".")[0]
        report, replaced = import_file(path, family, opened.vocabulary)
        instead = [f"Replaced the family {family} ({number_of(replaced, 'set')})"] if replaced else []
        print_lines([*report.lines(), *instead, f"Filed as {family}.*"])


@sets.command(epilog="Example: tsea sets describe promotes_pocket.12 'months'")
def describe(
    name: Name, text: Annotated[str, typer.Argument(metavar="TEXT", help="What labels will say.", show_default=False)]
) -> None:
    """Name an imported or derived set: its description is what labels say of its tokens."""
    from ..tools.imported_sets import describe as describe_set

    describe_set(name, text)
    print_lines([f"Described {name}; `tsea sets show {name}` tells what labels call its tokens."])


@sets.command(epilog="Example: tsea sets remove theirs")
def remove(family: Annotated[str, typer.Argument(metavar="FAMILY", show_default=False)]) -> None:
    """Delete an imported or derived family."""
    from ..tools.imported_sets import remove_family

    remove_family(family)
    print_lines([f"Removed {family}.*"])


@sets.command(epilog="Example: tsea sets diff old.gmt new.gmt --tokenizer gpt2")
def diff(
    old: Gmt,
    new: Annotated[
        Path | None, typer.Argument(metavar="[NEW.gmt]", help="Default: the library.", show_default=False)
    ] = None,
    tokenizer: Tokenizer = None,
    subject: opt.SubjectName = "pocket",
    json: opt.Json = False,
) -> None:
    """Sets that are new, gone or different in a library."""
    with _library(subject, tokenizer) as opened:
        found = opened.difference(old, new)
        if json:
            return print_json([found])
        print_table(
            ("set", "gained", "lost", "Jaccard"), ((c.name, c.gained, c.lost, c.jaccard) for c in found.changed)
        )
        print_lines([f"{len(found.added)} added: {', '.join(found.added[:20])}"])
        print_lines([f"{len(found.removed)} removed: {', '.join(found.removed[:20])}"])


def _not_counted(found: SuggestedSets) -> list[str]:
    """What was given and does not count, and what to write instead."""
    lines = [f"Not open, so not counted: {', '.join(found.sealed)}"] if found.sealed else []
    for one in found.unknown:
        pieces = f" ({' '.join(one.pieces)})" if one.pieces else ""
        instead = f" Tokens close to it: {', '.join(one.close)}." if one.close else ""
        lines.append(f"{one.token!r} is no token{pieces}.{instead}")
    return lines


def _namesakes(found: ListedSet) -> str:
    return f" (same tokens as {', '.join(found.aliases)})" if found.aliases else ""


def _alike(pairs: list[SetOverlap]) -> list[str]:
    return [f"Like {pair.set}: Jaccard {pair.jaccard:.2f}, {pair.shared} shared" for pair in pairs]


@contextmanager
def _library(subject: str, tokenizer: Path | None) -> Iterator[OpenLibrary]:
    """The library of a tokenizer's folder, or of a subject."""
    from ..tools.libraries import OpenLibrary
    from ..tools.subject.names import BUNDLED
    from ..tools.subject.opening import BUNDLED_DATA

    # A bundled subject ranks every ordinary token, so that its tokenizer says it all.
    if tokenizer is None and subject in BUNDLED:
        tokenizer = BUNDLED_DATA / "model"
    with progress_bars() as progress:
        if tokenizer is None:
            from ..tools.workbench import Workbench

            yield Workbench.open(subject, progress=progress).open_library
        else:
            yield OpenLibrary.of_tokenizer(tokenizer, progress)
