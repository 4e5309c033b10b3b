"""The commands on activations: what text makes features fire."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options as opt
from .terminal import print_json, print_lines, progress_bars


def index(
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            help="Text, JSON lines, a folder of them, or hf:DATASET; several times for several.", show_default=False
        ),
    ] = None,
    tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many tokens (bundled text: after 200,000).", show_default=False),
    ] = None,
    subject: opt.SubjectName = "pocket",
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Read a corpus through the model and keep what every feature does on it; goes on where it was interrupted."""
    from ..tools.activations.documents import open_corpus
    from ..tools.activations.indexing import index_corpus, summary
    from ..tools.subject import open_subject

    with progress_bars() as progress:
        opened = open_subject(subject, device=device, dtype=dtype)
        store = index_corpus(opened, open_corpus(corpus) if corpus else None, tokens, progress)
    found = summary(store, opened)
    if json:
        return print_json([found])
    sides = ", ".join(f"{count:,} {side.replace('_', '-')}" for side, count in found.documents.items())
    print_lines(
        [
            f"{found.tokens:,} tokens, {sum(found.documents.values()):,} documents ({sides})",
            f"{found.firing:,} of {found.features:,} features fire, {found.l0:.1f} a token on average",
            f"Index: {found.folder}",
            *found.notes,
        ]
    )
