"""Opening what a command works on, with progress on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .terminal import print_notes, progress_bars

if TYPE_CHECKING:
    from ..tools.inputs.enrichment import ReadingEnrichment
    from ..tools.workbench import Workbench


@contextmanager
def opened(
    subject: str,
    directions: Path | None,
    device: str | None,
    dtype: str | None,
    universe: str | None = None,
    encoder: bool = False,
) -> Iterator[Workbench]:
    """A workbench that reports its progress."""
    from ..tools.workbench import Workbench

    with progress_bars() as progress:
        yield Workbench.open(
            subject,
            directions=directions,
            device=device,
            dtype=dtype,
            universe=universe,
            encoder=encoder,
            progress=progress,
        )


def reading_of(workbench: Workbench) -> ReadingEnrichment | None:
    """What features fire on; None, and a note where one could be made, without an index."""
    from ..tools.activations import indexing

    subject = workbench.subject
    if indexing.can_open_index(subject):
        return workbench.reading
    if subject.encoder is not None:
        print_notes(
            [
                f"Labels say what features promote, not what they fire on: {subject.name} has no activation index. "
                f"Make one with `tsea index --corpus FILES --subject {subject.name}`."
            ]
        )
    return None
