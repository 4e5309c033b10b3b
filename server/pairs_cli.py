"""The command on minimal pairs: contexts of a feature with one token replaced, and what that does to the activation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from . import options as opt
from .activation_cli import note_silence, open_activity
from .terminal import print_json, print_table

if TYPE_CHECKING:
    from ..tools.results import MinimalPair, ReplacedToken

_BEFORE, _BEHIND = 15, 4  # tokens around the firing one that are shown


def pairs(
    feature: opt.Feature,
    count: Annotated[int, typer.Option(min=1, max=1000, help="Contexts.")] = 5,
    subject: opt.SubjectName = "pocket",
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Contexts with one token replaced: the edit that changes the activation most, and one that does not."""
    with open_activity(subject, device, dtype) as activity:
        note_silence(activity, feature)
        found = activity.minimal_pairs(feature, count)
        if json:
            return print_json(found)
        rows = [(pair, name, edit) for pair in found for name, edit in _edits(pair)]
    print_table(
        ("edit", "old", "new", "tokens before", "log-probability", "of new", "activation", "edited", "context"),
        [
            (
                name,
                edit.old,
                edit.new,
                edit.offset,
                edit.old_log_prob,
                edit.new_log_prob,
                pair.activation,
                edit.activation,
                pair.text(edit, _BEFORE, _BEHIND),
            )
            for pair, name, edit in rows
        ],
    )


def _edits(pair: MinimalPair) -> list[tuple[str, ReplacedToken]]:
    return [("changes", pair.changed), *([] if pair.control is None else [("keeps", pair.control)])]
