"""The commands on effects: what adding a feature to the model, or taking it out, changes in its predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..tools.phrases import number_of
from . import options as opt
from .terminal import print_json, print_lines, print_table, progress_bars

if TYPE_CHECKING:
    from ..tools.progress import Progress
    from ..tools.results import ChangedToken, Compared, EffectResult
    from ..tools.workbench import Workbench

_SHOWN_TOKENS = 5

Texts = Annotated[
    list[str] | None,
    typer.Option("--text", help="Text to run on; several times for several.", show_default=False),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Token set to watch, in JSON or a library name; several times for several (default: those most changed).",
        show_default=False,
    ),
]
Contexts = Annotated[
    int | None,
    typer.Option(min=1, help="Contexts of the index, instead of --text (default: 8).", show_default=False),
]
Random = Annotated[int, typer.Option(help="Random directions to compare with, at least 16.")]


def steer(
    feature: opt.Feature,
    text: Texts = None,
    strength: Annotated[float, typer.Option(help="How many times the scale is added; negative to subtract.")] = 1.0,
    scale: Annotated[
        float | None,
        typer.Option(help="An activation (default: the feature's largest on open text).", show_default=False),
    ] = None,
    sets: Sets = None,
    contexts: Contexts = None,
    random: Random = 32,
    subject: opt.SubjectName = "pocket",
    directions: opt.Directions = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Add a feature at every token and see what is predicted then, beside random directions of the same norm."""
    _check(text, contexts, sets)
    with progress_bars() as progress:
        workbench = _open(subject, directions, device, dtype, progress)
        found = workbench.steer(
            feature, text, strength=strength, scale=scale, sets=sets, contexts=contexts, random=random
        )
    _print(found, workbench.subject.name, json)


def ablate(
    feature: opt.Feature,
    text: Texts = None,
    sets: Sets = None,
    contexts: Contexts = None,
    random: Random = 32,
    subject: opt.SubjectName = "pocket",
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Take a feature out where it fires and see what is predicted then, beside random directions of the same size."""
    _check(text, contexts, sets)
    with progress_bars() as progress:
        workbench = _open(subject, None, device, dtype, progress)
        found = workbench.ablate(feature, text, sets=sets, contexts=contexts, random=random)
    _print(found, workbench.subject.name, json)


def _check(text: Sequence[str] | None, contexts: int | None, sets: Sequence[str] | None) -> None:
    """Refuse what needs no model to be refused."""
    from ..tools.effects.contexts import require_one
    from ..tools.token_sets.spec import parse_spec

    require_one(text, contexts)
    for written in sets or ():
        parse_spec(written)


def _open(
    subject: str, directions: Path | None, device: str | None, dtype: str | None, progress: Progress
) -> Workbench:
    from ..tools.workbench import Workbench

    return Workbench.open(subject, directions=directions, device=device, dtype=dtype, progress=progress)


def _print(found: EffectResult, subject: str, json: bool) -> None:
    if json:
        return print_json([found])
    done = (
        f"Feature {found.feature} of {subject} ablated: "
        if found.operation == "ablate"
        else f"Feature {found.feature} of {subject} steered by {found.strength:g} x {found.scale:.3g}: "
    )
    print_lines(
        [
            f"{done}{number_of(len(found.contexts), 'context')}, {found.tokens:,} tokens, {found.acting:,} acted on, "
            f"{found.random} random directions",
            *found.notes,
        ]
    )
    print_table(
        ("change, in nats", "", "by the feature", "random mean", "random sd", "p", "p of any"),
        _lines(found),
        title="p: share of random directions that change it as much in the same direction; p of any: that change any "
        "token or set as much",
    )


def _lines(found: EffectResult) -> Iterator[tuple[object, ...]]:
    measures = [("KL a token", "all", found.kl), ("loss a token", "all", found.loss_change)]
    if found.acting < found.tokens:
        measures += [
            ("KL a token", "where it fires", found.kl_acting),
            ("loss a token", "where it fires", found.loss_change_acting),
        ]
    for name, where, change in measures:
        if change is not None:
            yield name, where, *_figures(change), None
    tokens: list[tuple[str, list[ChangedToken]]] = [("promoted", found.promoted), ("suppressed", found.suppressed)]
    for name, changed in tokens:
        for one in changed[:_SHOWN_TOKENS]:
            yield name, one.token, *_figures(one), one.p_any
    for one in found.sets:
        yield "set", one.set, *_figures(one), one.p_any


def _figures(change: Compared) -> tuple[float, float, float, float]:
    return change.change, change.random_mean, change.random_sd, change.p
