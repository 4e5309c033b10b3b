"""The commands `tsea sets derive ...`: token sets made from the model itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ..tools.errors import UsageError
from ..tools.phrases import listing, number_of
from . import options as opt
from .terminal import print_lines, print_notes, progress_bars

if TYPE_CHECKING:
    from ..tools.token_sets.library import TokenSet
    from ..tools.workbench import Workbench

derive = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Make sets from the model: clusters and neighbourhoods of tokens, what features fire on or promote.",
)

Name = Annotated[
    str | None, typer.Option(help="Family the sets are filed under (default: kind and subject).", show_default=False)
]
Embedding = Annotated[bool, typer.Option("--embedding", help="By the embedding instead of the unembedding.")]


@derive.command(epilog="Example: tsea sets derive clusters --count 80")
def clusters(
    count: Annotated[int | None, typer.Option(min=2, help="How many (default: one for every 100 tokens).")] = None,
    embedding: Embedding = False,
    subject: opt.SubjectName = "pocket",
    name: Name = None,
) -> None:
    """Clusters of all tokens by the direction of their unembedding."""
    from ..tools.derived_sets import cluster_sets

    def made(workbench: Workbench) -> list[TokenSet]:
        return cluster_sets(workbench, count or len(workbench.subject.universe) // 100)

    _add("clusters", made, subject, name, encoder=embedding)


@derive.command(epilog="Example: tsea sets derive near ' red' ' Paris' --size 30")
def near(
    tokens: Annotated[list[str], typer.Argument(metavar="TOKENS...", help="Single tokens, as text.")],
    size: Annotated[int, typer.Option(min=2, help="Tokens in each set.")] = 50,
    embedding: Embedding = False,
    subject: opt.SubjectName = "pocket",
    name: Name = None,
) -> None:
    """The tokens nearest to given ones by the direction of their unembedding."""
    from ..tools.derived_sets import neighbour_sets

    _add("near", lambda workbench: neighbour_sets(workbench, tokens, size), subject, name, encoder=embedding)


@derive.command(epilog="Example: tsea sets derive frequency")
def frequency(subject: opt.SubjectName = "pocket", name: Name = None) -> None:
    """Tokens by how often they occur in the open documents of the index (`tsea index`): 1, 2 to 3, 4 to 7 times..."""
    from ..tools.derived_sets import frequency_sets

    _add("frequency", frequency_sets, subject, name)


@derive.command(epilog="Example: tsea sets derive fires 0-63")
def fires(features: opt.Features, subject: opt.SubjectName = "pocket", name: Name = None) -> None:
    """The tokens that features fire on when they stand alone; a set never counts as evidence about its own feature."""
    from ..tools.derived_sets import fired_sets

    def made(workbench: Workbench) -> list[TokenSet]:
        chosen = workbench.select(features)
        found = fired_sets(workbench, chosen)
        fired = {s.name for s in found}
        if silent := [text for text in map(str, chosen.tolist()) if text not in fired]:
            these = number_of(len(silent), "feature")
            print_notes([f"No set from {these} that fire on no token alone: {listing(silent, 20)}"])
        return found

    _add("fires", made, subject, name)


@derive.command(epilog="Example: tsea sets derive promotes top:64:skewness")
def promotes(features: opt.Features, subject: opt.SubjectName = "pocket", name: Name = None) -> None:
    """The open tokens that features promote, with sealed tokens like them; no evidence about their own feature."""
    from ..tools.derived_sets import promoted_sets

    _add("promotes", lambda workbench: promoted_sets(workbench, workbench.select(features)), subject, name)


def _add(
    kind: str, made: Callable[[Workbench], list[TokenSet]], subject: str, name: str | None, encoder: bool = False
) -> None:
    from ..tools.derived_sets import family_name
    from ..tools.imported_sets import add_sets
    from ..tools.workbench import Workbench

    with progress_bars() as progress:
        workbench = Workbench.open(subject, encoder=encoder, progress=progress)
        found = made(workbench)
        if not found:
            raise UsageError("No set could be made: these features fire on no token alone, or none was selected.")
        family = name or family_name(kind, workbench)
        total = add_sets(family, found, workbench.subject.vocabulary)
    filed = f"{number_of(len(found), 'set')} filed as {family}.*"
    print_lines([f"{filed}, which now has {total}; see `tsea sets list '{family}.*'`"])
