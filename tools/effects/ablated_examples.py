"""Examples of a feature, each with what its ablation does to the prediction there."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence

import torch

from ..activations.activity import EXAMPLE_KINDS, Activity
from ..activations.part import Context
from ..results import ExampleKind, ExampleRow
from ..subject.reading import require_encoder, row_start
from ..subject.subject import Subject
from ..token_sets.split import open_tokens
from .hooks import logits
from .measure import batches
from .writing import activations, as_rows, at_tokens, token_scales, written_row


def ablated_examples(
    activity: Activity, feature: int, kinds: Iterable[ExampleKind] = EXAMPLE_KINDS, count: int = 5
) -> Iterator[ExampleRow]:
    """The examples that `activity.examples` gives, with `loss_change`.

    Raises UsageError, before an index is opened, for bare directions and a feature that does not exist or writes
    nothing.
    """
    require_encoder(activity.subject)
    written_row(activity.subject, feature)
    return activity.examples(feature, kinds, count, functools.partial(loss_changes, activity.subject, feature))


def loss_changes(
    subject: Subject, feature: int, contexts: Sequence[Context], following: Sequence[int | None]
) -> list[float | None]:
    """By how much ablation in the row of each context raises the loss of the token that follows its position, in nats.

    What the feature writes is subtracted at every token of the row, as `ablate` does. None where no token follows, or
    one that is not open: what a feature does to sealed tokens is for scorers. Raises UsageError as `written_row` and
    `token_scales` do.
    """
    push = torch.from_numpy(written_row(subject, feature)).to(subject.device)
    open_ids = set(open_tokens(subject.vocabulary, subject.universe).tolist())
    known = [(i, token) for i, token in enumerate(following) if token in open_ids]
    found: list[float | None] = [None] * len(contexts)
    windows, begun = [contexts[i].tokens for i, _ in known], len(row_start(subject))
    for batch in batches(windows, int(subject.model.cfg.d_vocab)):
        own, rows = windows[batch], as_rows(subject, windows[batch])
        amounts = [
            -active * scales
            for active, scales in zip(activations(subject, own, feature), token_scales(subject, own), strict=True)
        ]
        written = torch.from_numpy(at_tokens(subject, amounts, rows.shape)).to(subject.device)[:, :, None] * push
        numbers, tokens = zip(*known[batch], strict=True)
        places = [begun + contexts[i].position for i in numbers]
        before, after = (_log_probs(logits(subject, rows, added), places, tokens) for added in (None, written))
        for number, change in zip(numbers, (before - after).tolist(), strict=True):
            found[number] = change
    return found


def _log_probs(logits: torch.Tensor, places: Sequence[int], tokens: Sequence[int]) -> torch.Tensor:
    """Log-probability (rows,) float32 of one token behind one place in each row, from logits (rows, context, V)."""
    each = torch.arange(len(logits))
    return logits[each, torch.tensor(places)].float().log_softmax(dim=-1)[each, torch.tensor(tokens)]
