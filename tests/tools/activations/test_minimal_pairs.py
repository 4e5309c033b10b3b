"""Minimal pairs against whole model runs, one text at a time: what was replaced, by what, and what it did."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from tsea.tools.activations import minimal_pairs
from tsea.tools.activations.activity import Activity
from tsea.tools.activations.examples import AFTER, BEFORE
from tsea.tools.activations.indexing import index_corpus
from tsea.tools.activations.minimal_pairs import BACK, EARLIER, OWN, edits, minimal_pair
from tsea.tools.activations.part import Context, Part, explore
from tsea.tools.errors import UsageError
from tsea.tools.results import MinimalPair, ReplacedToken
from tsea.tools.subject import Subject
from tsea.tools.subject.reading import row_start
from tsea.tools.token_sets import token_split

POCKET = pytest.mark.parametrize("subject", ["pocket"], indirect=True, scope="package")


def run(subject: Subject, tokens: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Activations (n, features) and log-probabilities of the token at each place (n, V), of one whole row."""
    begun = [0] * int(subject.prepend_bos)
    with torch.no_grad():
        logits, cache = subject.model.run_with_cache(torch.tensor([[*begun, *tokens]]))
        at = cache[subject.hook_name]
        active = (at if subject.sae is None else subject.sae.encode(at))[0, len(begun) :]
    log_probs = logits[0].double().log_softmax(-1).numpy()
    return active.numpy(), log_probs if begun else np.concatenate([np.full((1, log_probs.shape[1]), np.nan), log_probs])


def busy(part: Part) -> list[int]:
    """Features that fire a few dozen times or more."""
    counts = part.totals.firings
    return sorted(np.flatnonzero(counts >= 30).tolist(), key=lambda feature: int(counts[feature]))


def context_of(part: Part, feature: int, pair: MinimalPair) -> Context:
    """The row that a pair is of, found by what it shows."""
    firings = part.firings(feature)
    found = [part.context(position, firings) for position in firings.positions.tolist()]
    (context,) = {
        c.row: c
        for c in found
        if c.document == pair.document
        and c.activations[c.position] == pytest.approx(pair.activation, rel=1e-3, abs=1e-4)
        and min(c.position, BEFORE) == pair.position
    }.values()
    return context


def edited(subject: Subject, context: Context, edit: ReplacedToken) -> list[int]:
    """The row with the new token, whose name is unique among those that stand for text."""
    place = context.position - edit.offset
    tokens = context.tokens.tolist()
    assert subject.vocabulary.shown(tokens[place]) == edit.old
    (new,) = [token for token in subject.universe.tolist() if subject.vocabulary.shown(token) == edit.new]
    return [*tokens[:place], new, *tokens[place + 1 :]]


def replaced(pair: MinimalPair) -> list[ReplacedToken]:
    return [pair.changed, *([] if pair.control is None else [pair.control])]


def test_pairs_hold_what_the_model_does_on_each_text_alone(activity: Activity, subject: Subject, part: Part) -> None:
    seen = 0
    for feature in busy(part)[:2]:
        for pair in activity.minimal_pairs(feature, 2):
            context = context_of(part, feature, pair)
            active, log_probs = run(subject, context.tokens.tolist())
            assert pair.activation == pytest.approx(active[context.position, feature], rel=1e-3, abs=1e-4)
            first = context.position - pair.position
            shown = context.tokens[first : context.position + AFTER + 1].tolist()
            assert pair.tokens == [subject.vocabulary.shown(token) for token in shown]
            for edit in replaced(pair):
                tokens, place = edited(subject, context, edit), context.position - edit.offset
                after = run(subject, tokens)[0][context.position, feature]
                assert edit.activation == pytest.approx(after, rel=1e-3, abs=1e-4)
                for token, value in ((context.tokens[place], edit.old_log_prob), (tokens[place], edit.new_log_prob)):
                    assert value == pytest.approx(log_probs[place, token], rel=1e-3, abs=1e-3)
                seen += 1
    assert seen >= 4


def test_who_types_an_edited_text_sees_the_same_activation(activity: Activity, subject: Subject, part: Part) -> None:
    seen = 0
    for feature in busy(part)[:3]:
        firings = part.firings(feature)
        contexts = (part.context(position, firings) for position in firings.positions.tolist())
        context = next(c for c in contexts if cut_again(subject, shown_part(c)) == shown_part(c))  # not inside a word
        pair = minimal_pair(subject, feature, context, 1, lambda: None)
        assert pair is not None
        for edit in replaced(pair):
            tokens = edited(subject, context, edit)[: len(shown_part(context))]
            text, *_ = subject.vocabulary.spelled(tokens)
            (row,) = activity.activate([text], np.array([feature]))
            assert row.tokens == [subject.vocabulary.shown(token) for token in tokens]
            assert row.activations[context.position] == pytest.approx(edit.activation, rel=1e-3, abs=1e-4)
            seen += 1
    assert seen >= 3


def shown_part(context: Context) -> list[int]:
    """Its tokens from the beginning of the row to the last that is shown."""
    return context.tokens[: context.position + AFTER + 1].tolist()


def cut_again(subject: Subject, tokens: list[int]) -> list[int]:
    """The tokens that the text of some tokens is cut into."""
    text, *_ = subject.vocabulary.spelled(tokens)
    return subject.model.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@pytest.mark.large
@POCKET
def test_of_all_natural_edits_the_strongest_is_shown_and_the_nearest_that_changes_nothing(
    activity: Activity, subject: Subject, part: Part
) -> None:
    for feature in busy(part)[-2:]:
        (pair,) = activity.minimal_pairs(feature, 1)
        context = context_of(part, feature, pair)
        found = []
        for edit in edits(subject, context.tokens, context.position):
            tokens = context.tokens[: context.position + 1].tolist()
            tokens[edit.place] = edit.token
            found.append((edit, float(run(subject, tokens)[0][-1, feature])))
        assert len(found) == pair.edits
        most = max(abs(after - pair.activation) for _, after in found)
        rivals = [e for e, after in found if abs(after - pair.activation) == pytest.approx(most, rel=1e-4)]
        natural = max(rivals, key=lambda e: e.new_log_prob)
        assert abs(pair.changed.activation - pair.activation) == pytest.approx(most, rel=1e-3)
        assert pair.changed.new_log_prob == pytest.approx(natural.new_log_prob, abs=1e-4)
        kept = [e for e, after in found if abs(after - pair.activation) <= 0.1 * pair.activation]
        if not kept:
            assert pair.control is None
            continue
        assert pair.control is not None
        distances = [abs(e.place - natural.place) for e in kept]
        assert abs(pair.control.offset - pair.changed.offset) == min(distances)
        alike = [e.new_log_prob for e, far in zip(kept, distances, strict=True) if far == min(distances)]
        assert pair.control.new_log_prob == pytest.approx(max(alike), abs=1e-4)


@POCKET
def test_alternatives_are_the_likeliest_open_words_that_keep_the_tokens_around_them(
    subject: Subject, part: Part
) -> None:
    split, vocabulary = token_split(subject.vocabulary), subject.vocabulary
    for position in part.random_positions(3, np.random.default_rng(3)).tolist():
        context = part.context(position, part.firings(0))
        found = list(edits(subject, context.tokens, context.position))
        _, log_probs = run(subject, context.tokens.tolist())
        assert len({(edit.place, edit.token) for edit in found}) == len(found)
        for place in range(max(0, context.position - BACK), context.position + 1):
            own = [edit for edit in found if edit.place == place]
            assert len(own) <= (OWN if place == context.position else EARLIER)
            words = [vocabulary.text[edit.token].strip().casefold() for edit in own]
            old = vocabulary.text[context.tokens[place]].strip().casefold()
            assert len(set(words)) == len(words) and old not in words
            assert all(split[edit.token] == 0 and edit.token not in vocabulary.special for edit in own)
            order = [token for token in np.argsort(-log_probs[place]).tolist() if split[token] == 0]
            if own:  # the first that is another word and keeps the tokens is the first here
                taken = order.index(own[0].token)
                passed = order[:taken]
                for token in passed:
                    word = vocabulary.text[token].strip().casefold()
                    assert word == old or not kept_apart(subject, context, place, token)
            assert [e.new_log_prob for e in own] == sorted((e.new_log_prob for e in own), reverse=True)
            assert all(kept_apart(subject, context, place, edit.token) for edit in own)
        assert {edit.place for edit in found} <= set(range(max(0, context.position - BACK), context.position + 1))


def kept_apart(subject: Subject, context: Context, place: int, token: int) -> bool:
    """Whether the edited text is cut into the edited tokens as far as that of the context is into its own."""

    def alike(tokens: list[int]) -> int:
        ids = cut_again(subject, tokens)
        count = 0
        while count < min(len(ids), len(tokens)) and ids[-1 - count] == tokens[-1 - count]:
            count += 1
        return count

    tokens = shown_part(context)
    return alike([*tokens[:place], token, *tokens[place + 1 :]]) >= alike(tokens)


def test_rows_without_bos_have_no_alternative_at_their_beginning(
    subject_without_bos: Subject, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSEA_HOME", str(tmp_path))
    subject = subject_without_bos
    activity = Activity(subject)
    activity.part = explore(index_corpus(subject, None, 3000), subject.vocabulary.special)
    tokens = activity.part.row(int(activity.part.rows[0]))[1]
    assert not list(edits(subject, tokens, 0))
    assert {edit.place for edit in edits(subject, tokens, 3)} == {1, 2, 3}
    feature = busy(activity.part)[0]
    for pair in activity.minimal_pairs(feature, 2):
        context = context_of(activity.part, feature, pair)
        for edit in replaced(pair):
            after = run(subject, edited(subject, context, edit))[0][context.position, feature]
            assert edit.activation == pytest.approx(after, rel=1e-3, abs=1e-4)


@POCKET
def test_a_context_of_one_token_with_bos_is_edited_there(subject: Subject, part: Part) -> None:
    tokens = part.row(int(part.rows[0]))[1]
    found = list(edits(subject, tokens, 0))
    assert {edit.place for edit in found} == {0} and 1 <= len(found) <= OWN


@POCKET
def test_special_tokens_stay_where_they_are(subject: Subject, part: Part) -> None:
    tokens = part.row(int(part.rows[0]))[1].copy()
    tokens[2] = int(row_start(subject)[0])
    assert {edit.place for edit in edits(subject, tokens, 3)} == {0, 1, 3}


@POCKET
def test_where_nothing_changes_anything_the_control_is_another_edit(
    subject: Subject, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        minimal_pairs, "feature_activations", lambda _, rows: torch.ones(*rows.shape, subject.n_features)
    )
    feature = busy(part)[0]
    firings = part.firings(feature)
    context = part.context(int(firings.positions[0]), firings)
    pair = minimal_pair(subject, feature, context, 1, lambda: None)
    assert pair is not None and pair.control is not None
    assert pair.changed.activation == pair.control.activation == pair.activation == 1
    assert (pair.changed.offset, pair.changed.new) != (pair.control.offset, pair.control.new)


@POCKET
def test_edits_run_in_batches_give_what_they_give_at_once(
    subject: Subject, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    feature = busy(part)[0]
    firings = part.firings(feature)
    context = part.context(int(firings.positions[0]), firings)
    calls: list[int] = []
    found = []
    for tokens in (10**6, 1000):
        monkeypatch.setattr(minimal_pairs, "_BATCH_TOKENS", tokens)
        found.append(minimal_pair(subject, feature, context, 1, lambda: calls.append(1)))
        calls.append(0)
    one, several = found
    assert one is not None and several is not None
    assert calls.index(0) == 2 and len(calls) - calls.index(0) > 4
    assert several.changed.activation == pytest.approx(one.changed.activation, rel=1e-4, abs=1e-4)
    assert several.model_dump(include={"tokens", "edits"}) == one.model_dump(include={"tokens", "edits"})


@POCKET
def test_a_progress_callback_that_raises_ends_the_work_and_frees_the_lock(subject: Subject, part: Part) -> None:
    lock = threading.Lock()
    held: list[bool] = []
    in_second: list[int] = []

    def cancel(what: str, done: int, total: int) -> None:
        assert (what, total) == ("contexts edited", 3)
        held.append(lock.locked())
        in_second.extend([done] * (done == 1))
        if len(in_second) == 2:  # between the model's predictions and the first batch of edits
            raise KeyboardInterrupt

    activity, found = Activity(subject, cancel, lock), []
    activity.part = part
    with pytest.raises(KeyboardInterrupt):
        for pair in activity.minimal_pairs(busy(part)[-1], 3):
            assert not lock.locked()
            found.append(pair)
    assert len(found) == 1 and all(held) and not lock.locked()


@POCKET
def test_a_feature_that_never_fires_has_no_pair_and_one_that_is_not_there_is_refused(
    activity: Activity, part: Part
) -> None:
    assert list(activity.minimal_pairs(int(np.argmin(part.totals.firings)), 3)) == []
    with pytest.raises(UsageError, match="features 0 to 4095"):
        list(activity.minimal_pairs(4096))


@POCKET
def test_pairs_are_of_the_different_examples_in_their_order(activity: Activity, part: Part) -> None:
    feature = busy(part)[-1]
    rows = list(activity.examples(feature, ["diverse"], 3))
    pairs = list(activity.minimal_pairs(feature, 3))
    for row, pair in zip(rows, pairs, strict=True):
        assert (pair.tokens, pair.position, pair.count, pair.document) == (
            row.tokens,
            row.position,
            row.count,
            row.document,
        )
        assert pair.activation == pytest.approx(row.activations[row.position], rel=1e-3)
        assert pair.edits <= OWN + BACK * EARLIER
