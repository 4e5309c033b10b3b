"""The commands on activations: what text makes features fire."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from . import options as opt
from .terminal import print_json, print_lines, print_notes, print_table, progress_bars

if TYPE_CHECKING:
    from ..tools.activations.activity import Activity
    from ..tools.results import ExampleRow, NeighbourRow, TextActivations

_SHOWN_FEATURES = 10


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
            f"{found.tokens:,} tokens; documents: {sides}",
            f"{found.firing:,} of {found.features:,} features fire, {found.l0:.1f} a token on average",
            f"Index: {found.folder}",
            *found.notes,
        ]
    )


def activate(
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Texts, side by side.", show_default=False)],
    features: Annotated[
        str | None,
        typer.Option(help="7, 0-63 or 3,9,40-50 (default: those that fire most in the texts).", show_default=False),
    ] = None,
    subject: opt.SubjectName = "pocket",
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """What features do at every token of texts: edit a word and see what changes."""
    import numpy as np

    with open_activity(subject, device, dtype) as activity:
        if features is None:
            found = [row.feature for text in texts for row in activity.find(text, most=_SHOWN_FEATURES)]
            chosen = np.array(list(dict.fromkeys(found)), np.int64)
        else:
            chosen = activity.select(features)
        _note_windows(activity, texts)
        rows = list(activity.activate(texts, chosen))
    if json:
        return print_json(rows)
    by_feature = [rows[start :: len(chosen)] for start in range(len(chosen))]
    firing = [group for group in by_feature if any(max(row.activations) > 0 for row in group)]
    print_table(
        ("feature", "text", "max", "at", "fires on"),
        [(row.feature, number, *_strongest(row)) for group in firing for number, row in enumerate(group, 1)],
    )
    if silent := len(by_feature) - len(firing):
        print_notes([f"Silent in all of it: {silent:,} of {len(by_feature):,} features."])


def find(
    text: Annotated[str, typer.Option(help="The text.", show_default=False)],
    token: Annotated[
        str | None, typer.Option(help="At this token, as ' red' (default: at any).", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Features to show.")] = 20,
    subject: Annotated[
        list[str] | None,
        typer.Option(
            "--subject", "-s", help="As elsewhere (default: pocket); several are compared.", show_default=False
        ),
    ] = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """The features that a text makes fire, each beside its own maximum on the index, so that layers compare."""
    rows = []
    for name in subject or ["pocket"]:
        with open_activity(name, device, dtype) as activity:
            rows += activity.find(text, token, count)
            _note_windows(activity, [text])
    rows = sorted(rows, key=lambda row: -(row.normalised or 0))[:count]
    if json:
        return print_json(rows)
    print_table(
        ("subject", "feature", "activation", "of its maximum"),
        [(row.subject, row.feature, row.activation, row.normalised) for row in rows],
    )


def examples(
    feature: opt.Feature,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="top, decile, diverse or negative; several times for several (default: all)."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1000, help="Examples of each kind.")] = 5,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Also how the loss of the next token changes without the feature.")
    ] = False,
    subject: opt.SubjectName = "pocket",
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Contexts of a feature: where it fires most, at every strength, on different things; and where it stays silent."""
    from ..tools.activations.activity import example_kinds
    from ..tools.effects.ablated_examples import ablated_examples

    kinds = example_kinds(kind)
    with open_activity(subject, device, dtype) as activity:
        found = (
            ablated_examples(activity, feature, kinds, count) if ablate else activity.examples(feature, kinds, count)
        )
        note_silence(activity, feature)
        if json:
            return print_json(found)
        about = activity.summary(feature)
        rows = list(found)
    if about.max is not None and about.mean is not None:
        print_lines(
            [
                f"Feature {feature} fires on {about.firings:,} of {about.tokens:,} open tokens ({about.density:.2%}), "
                f"by {about.mean:.3g} on average and {about.max:.3g} at most."
            ]
        )
    more = ("loss change",) if ablate else ()
    print_table(
        ("kind", "activation", "alike", "context", "next token", "log-probability", *more),
        [
            (
                f"{row.kind}, {row.source}" if row.kind == "negative" else row.source or row.kind,
                row.activations[row.position],
                row.count if row.kind == "diverse" else None,
                _context(row),
                row.next_token,
                row.next_log_prob,
                *((row.loss_change,) if ablate else ()),
            )
            for row in rows
        ],
    )


def neighbours(
    feature: opt.Feature,
    other: Annotated[
        str | None, typer.Option(help="Another subject on this model: counterparts in it.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Of each kind.")] = 10,
    subject: opt.SubjectName = "pocket",
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """The features nearest to one by decoder, by encoder and by firing together, or in another dictionary."""
    from ..tools.subject import open_subject

    with open_activity(subject, device, dtype) as activity:
        note_silence(activity, feature)
        if other is None:
            rows: list[NeighbourRow] = activity.neighbours(feature, count)
        else:
            rows = activity.counterparts(feature, open_subject(other, device=device, dtype=dtype), count)
    if json:
        return print_json(rows)
    print_table(
        ("by", "feature", "cosine or Jaccard index", "shared firings"),
        [(row.kind, row.neighbour, row.value, row.shared) for row in rows],
    )


def position(
    feature: opt.Feature,
    subject: opt.SubjectName = "pocket",
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """How far the place of a token in its context explains a feature's activation."""
    with open_activity(subject, device, dtype) as activity:
        row = activity.position(feature)
        note_silence(activity, feature)
    if json:
        return print_json([row])
    if not any(row.means):
        return
    explained = "none, it is always alike" if row.explained is None else f"{row.explained:.1%}"
    print_lines([f"Variance explained by the place in the context: {explained}"])
    print_table(("places", "mean activation"), _binned(row.means))


@contextmanager
def open_activity(subject: str, device: str | None, dtype: str | None) -> Iterator[Activity]:
    """What the features of a subject do on text, with bars while that is worked out."""
    from ..tools.activations.activity import Activity
    from ..tools.subject import open_subject

    with progress_bars() as progress:
        yield Activity(open_subject(subject, device=device, dtype=dtype), progress)


def note_silence(activity: Activity, feature: int) -> None:
    """Say so where a feature never fires on the index."""
    about = activity.summary(feature)
    if about.max is None:
        print_notes([f"Feature {feature} does not fire on the {about.tokens:,} open tokens of the index."])


def _note_windows(activity: Activity, texts: list[str]) -> None:
    """Say which texts are longer than the context."""
    for text in texts:
        windows = activity.windows(text)
        if windows > 1:
            shown = repr(text if len(text) <= 30 else f"{text[:30]}...")
            print_notes([f"{shown} is longer than the context, so it was read in {windows} windows."])


def _strongest(row: TextActivations) -> tuple[float, str | None, str]:
    """Largest activation, where it is, and the tokens that fire."""
    most = max(row.activations)
    if most <= 0:
        return most, None, ""
    firing = (f"{token} {value:.3g}" for token, value in zip(row.tokens, row.activations, strict=True) if value > 0)
    return most, row.tokens[row.activations.index(most)], ", ".join(firing)


def _context(row: ExampleRow) -> str:
    """The tokens around the one in question, which stands between marks."""
    before, token, behind = row.text(before=15, behind=7)
    return f"{before}\u00ab{token}\u00bb{behind}"


def _binned(means: list[float], width: int = 16) -> list[tuple[str, float]]:
    """Means of `width` places at a time."""
    parts = [(start, means[start : start + width]) for start in range(0, len(means), width)]
    return [(f"{start + 1} to {start + len(part)}", sum(part) / len(part)) for start, part in parts]
