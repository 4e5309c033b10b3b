"""Minimal pairs: a context of a feature and the same with one token replaced, once so that the activation changes most
and once so that it stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..results import MinimalPair, ReplacedToken
from ..subject.next_token import next_distributions
from ..subject.reading import feature_activations, row_start
from ..subject.subject import Subject
from ..token_sets.split import open_tokens
from .examples import AFTER, BEFORE
from .part import Context
from .rows import padded
from .tokens import tokens_of

BACK = 8  # tokens before the firing one that are replaced, one at a time, besides it
OWN, EARLIER = 16, 6  # tokens that take the place of the firing one, and of each before it
UNCHANGED = 0.1  # share of the activation up to which a change counts as none
_LOOKED_AT = 64  # likeliest tokens that these are chosen from
_BATCH_TOKENS = 2048  # run at once: cancelling waits for no more


class Edit(NamedTuple):
    """Another token at a place of the row, with the log-probabilities (nats) of the old and of the new one there."""

    place: int
    token: int
    old_log_prob: float
    new_log_prob: float


def minimal_pair(
    subject: Subject, feature: int, context: Context, count: int, step: Callable[[], None]
) -> MinimalPair | None:
    """The pair of a context in which the feature fires; None where no token has a natural alternative.

    `count` is passed on. `step` is called before every run of the model and may raise.
    """
    step()
    tried = list(edits(subject, context.tokens, context.position))
    if not tried:
        return None
    begun = context.tokens[: context.position + 1]
    rows = [begun, *(_edited(begun, one) for one in tried)]
    before, *after = _activations_at_end(subject, feature, rows, step).tolist()
    changes = [abs(value - before) for value in after]
    # Several edits often silence a feature: the most natural one of them tells most.
    strongest = max(range(len(tried)), key=lambda number: (changes[number], tried[number].new_log_prob))
    kept = [number for number in range(len(tried)) if number != strongest and changes[number] <= UNCHANGED * before]
    control = min(
        kept,
        key=lambda number: (abs(tried[number].place - tried[strongest].place), -tried[number].new_log_prob),
        default=None,
    )

    def result(number: int) -> ReplacedToken:
        edit = tried[number]
        return ReplacedToken(
            offset=context.position - edit.place,
            old=subject.vocabulary.shown(int(context.tokens[edit.place])),
            new=subject.vocabulary.shown(edit.token),
            old_log_prob=edit.old_log_prob,
            new_log_prob=edit.new_log_prob,
            activation=after[number],
        )

    first = max(0, context.position - BEFORE)
    return MinimalPair(
        feature=feature,
        tokens=[
            subject.vocabulary.shown(token) for token in context.tokens[first : context.position + AFTER + 1].tolist()
        ],
        position=context.position - first,
        count=count,
        document=context.document,
        activation=before,
        edits=len(tried),
        changed=result(strongest),
        control=None if control is None else result(control),
    )


def edits(subject: Subject, tokens: np.ndarray, position: int) -> Iterator[Edit]:
    """Natural replacements of the token at `position` of a row (n,) int64 and of those up to BACK before it.

    At `position` up to OWN, at the others EARLIER open tokens that the model finds likeliest behind what stands before,
    no two of them spellings of one word, none a spelling of the token that they replace, and all so that the edited
    text is cut into these tokens: who writes it sees the same activation. The place behind nothing, in rows without
    BOS, has none.
    """
    begun = row_start(subject)
    first = max(0, position - BACK, 1 - len(begun))
    places = [place for place in range(first, position + 1) if int(tokens[place]) not in subject.vocabulary.special]
    if not places:
        return
    row = np.concatenate([begun, tokens[:position]])
    # What stands behind the place before predicts a place.
    found = next_distributions(subject, row, [len(begun) + place - 1 for place in places])
    open_ids = open_tokens(subject.vocabulary, subject.universe)
    # A text may be cut otherwise at its beginning, which need not be that of the document.
    text = tokens[: position + AFTER + 1]
    cut_alike = _cut_alike(subject, text)
    for place, log_probs in zip(places, found, strict=True):
        words, old = {_word(subject, int(tokens[place]))}, float(log_probs[tokens[place]])
        likeliest = open_ids[np.argsort(-log_probs[open_ids], kind="stable")[:_LOOKED_AT]]
        chosen = 0
        for token in likeliest.tolist():
            edit = Edit(place, token, old, float(log_probs[token]))
            if _word(subject, token) in words or _cut_alike(subject, _edited(text, edit)) < cut_alike:
                continue
            words.add(_word(subject, token))
            yield edit
            chosen += 1
            if chosen == (OWN if place == position else EARLIER):
                break


def _activations_at_end(
    subject: Subject, feature: int, windows: list[np.ndarray], step: Callable[[], None]
) -> np.ndarray:
    """Activation (windows,) of the feature at the last token of windows of one length."""
    rows = padded(windows, row_start(subject))
    size = max(1, _BATCH_TOKENS // rows.shape[1])
    found: list[np.ndarray] = []
    for start in range(0, len(rows), size):
        step()
        found.append(feature_activations(subject, rows[start : start + size])[:, -1, feature].float().cpu().numpy())
    return np.concatenate(found)


def _edited(tokens: np.ndarray, edit: Edit) -> np.ndarray:
    edited = tokens.copy()
    edited[edit.place] = edit.token
    return edited


def _word(subject: Subject, token: int) -> str:
    """What the spellings of a word in any case and spacing share; nothing for whitespace."""
    return subject.vocabulary.text[token].strip().casefold()


def _cut_alike(subject: Subject, tokens: np.ndarray) -> int:
    """How many tokens at the end are those that their text is cut into."""
    text, *_ = subject.vocabulary.spelled(tokens)
    cut = np.concatenate(list(tokens_of(subject.model.tokenizer, text)))
    shared = min(len(cut), len(tokens))
    different = np.flatnonzero(cut[len(cut) - shared :] != tokens[len(tokens) - shared :])
    return shared - 1 - int(different[-1]) if len(different) else shared
