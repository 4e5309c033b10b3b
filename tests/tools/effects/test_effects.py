"""What effects say where the answer is known, what they are measured on, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tsea.tools.activations.activity import Activity
from tsea.tools.activations.indexing import index_corpus
from tsea.tools.activations.part import explore
from tsea.tools.activations.partition import OPEN, SIDES
from tsea.tools.activations.store import ActivationStore
from tsea.tools.effects.ablated_examples import ablated_examples
from tsea.tools.effects.ablation import ablate
from tsea.tools.effects.contexts import (
    Contexts,
    given_texts,
    largest_activation,
    random_contexts,
    strongest_contexts,
)
from tsea.tools.effects.measure import Before
from tsea.tools.effects.steering import steer
from tsea.tools.effects.summary import compared
from tsea.tools.effects.watched import Watched, watch
from tsea.tools.effects.writing import activations, random_rows, written_row
from tsea.tools.errors import UsageError
from tsea.tools.results import EffectResult
from tsea.tools.subject import Subject, open_subject
from tsea.tools.token_sets.derivation import Derivation
from tsea.tools.token_sets.library import TokenSet, TokenSetLibrary
from tsea.tools.token_sets.split import OPEN as OPEN_TOKEN
from tsea.tools.token_sets.split import token_split
from tsea.tools.workbench import Workbench

RANDOM = 16


@pytest.fixture(scope="module")
def pocket() -> Subject:
    return open_subject("pocket", device="cpu")


@pytest.fixture(scope="module")
def text(pocket: Subject) -> Contexts:
    return given_texts(pocket, ["The king of England said that he would go there in 1905."])


@pytest.fixture(scope="module")
def store(pocket: Subject, tmp_path_factory: pytest.TempPathFactory) -> ActivationStore:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(tmp_path_factory.mktemp("home")))
        return index_corpus(pocket, None, 40 * 127)


@pytest.fixture(scope="module")
def watched(pocket: Subject) -> Watched:
    open_ids = pocket.universe[token_split(pocket.vocabulary)[pocket.universe] == OPEN_TOKEN]
    return watch(pocket.vocabulary, TokenSetLibrary([], pocket.vocabulary.hash), open_ids, ['{"regex": "[0-9]+"}'])


def unchanged(result: EffectResult) -> bool:
    assert result.kl is not None and result.loss_change is not None
    changes = [*vars(result.kl).values(), *vars(result.loss_change).values()]
    return changes == [0, 0, 0, 1] * 2 and not any(sum(c.kl_by_position) for c in result.contexts)


def silent_feature(subject: Subject, contexts: Contexts) -> int:
    return next(
        f for f in range(subject.n_features) if not any(a.any() for a in activations(subject, contexts.windows, f))
    )


def test_ablating_a_silent_feature_changes_nothing_and_says_so(
    pocket: Subject, text: Contexts, watched: Watched
) -> None:
    result = ablate(pocket, silent_feature(pocket, text), text, watched, random=RANDOM)
    assert unchanged(result)
    assert result.acting == 0 and result.kl_acting is None and result.loss_change_acting is None
    assert result.promoted == result.suppressed == result.sets == []
    assert result.notes == ["The feature fires on none of these tokens, so no token or set has a change where it does."]


def test_steering_by_nothing_changes_nothing(pocket: Subject, text: Contexts, watched: Watched) -> None:
    result = steer(pocket, 618, text, watched, 10.0, strength=0, random=RANDOM)
    assert unchanged(result) and result.promoted == result.suppressed == []
    assert result.sets[0].change == 0 and result.sets[0].p == result.sets[0].p_any == 1


def test_changes_equal_those_computed_by_hand() -> None:
    """Two positions, three tokens, two of them open; the next token counts at the first position alone."""
    before = torch.tensor([[1.0, 2.0, 1.0], [1.0, 1.0, 2.0]]).log()  # p = 1/4 1/2 1/4 and 1/4 1/4 1/2
    after = torch.tensor([[2.0, 1.0, 1.0], [1.0, 6.0, 1.0]]).log()  # p = 1/2 1/4 1/4 and 1/8 3/4 1/8
    watched = Watched(np.array([0, 1]), ["both", "second"], [np.array([0, 1]), np.array([1])], True)
    found = Before(before, np.array([1, -1]), np.array([True, True]), watched).changes(after)
    log2, log3 = math.log(2), math.log(3)
    np.testing.assert_allclose(found.loss, [log2, np.nan], rtol=1e-6)
    kl = [-log2 / 4 + log2 / 2, log2 / 4 - log3 / 4 + log2]
    np.testing.assert_allclose(found.kl, kl, rtol=1e-5)
    np.testing.assert_allclose(found.tokens, [log2 - log2, -log2 + log3], atol=1e-6)
    np.testing.assert_allclose(found.sets, [math.log(7 / 4), log3 - log2], rtol=1e-5)
    first = Before(before, np.array([1, -1]), np.array([True, False]), watched).changes(after)
    np.testing.assert_allclose(first.tokens, [log2, -log2], rtol=1e-6)


def test_a_change_is_compared_with_as_large_ones_in_its_direction() -> None:
    random = np.arange(-8.0, 8.0)
    up, down = (compared(np.concatenate([[change], random])[:, None]) for change in (6.0, -8.0))
    assert up is not None and down is not None
    assert (up.p, down.p) == (3 / 17, 2 / 17)
    assert (up.change, up.random_mean) == (6, -0.5)
    assert up.random_sd == pytest.approx(np.sqrt((16**2 - 1) / 12 * 16 / 15))
    assert compared(np.full((17, 3), np.nan)) is None


def test_a_feature_that_writes_a_tokens_unembedding_promotes_it_beyond_all_random_directions(
    pocket: Subject, text: Contexts, watched: Watched, make_sae: Callable[..., Any]
) -> None:
    sae = make_sae(256, "blocks.3.hook_resid_post", d_sae=300)
    token = int(watched.tokens[700])
    column = pocket.unembedding[:, np.searchsorted(pocket.universe, token)]
    sae.W_dec.data[5] = torch.from_numpy(column / np.linalg.norm(column))
    sae.b_enc.data[5] = 10
    subject = Subject.from_objects(pocket.model, sae)
    result = steer(subject, 5, text, watched, 8.0, random=RANDOM)
    assert result.promoted[0].id == token
    assert result.promoted[0].p == result.promoted[0].p_any == 1 / (RANDOM + 1)
    against = steer(subject, 5, text, watched, 8.0, strength=-1, random=RANDOM)
    assert token in [one.id for one in against.suppressed]
    removed = ablate(subject, 5, text, watched, random=RANDOM)
    assert removed.acting == removed.tokens and token in [one.id for one in removed.suppressed]


@pytest.mark.parametrize("name", ["pocket", "pocket/neurons/2"])
def test_random_directions_have_the_features_norm_and_come_out_the_same_again(name: str) -> None:
    subject = open_subject(name, device="cpu")
    row, rows = written_row(subject, 7), random_rows(subject, 7, RANDOM)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), np.linalg.norm(row), rtol=1e-6)
    assert abs(rows @ row / (row @ row)).max() < 0.9 and len(np.unique(rows[:, 0])) == RANDOM
    np.testing.assert_array_equal(random_rows(subject, 7, RANDOM), rows)


def test_only_open_tokens_are_reported_and_only_open_next_tokens_count(
    pocket: Subject, text: Contexts, watched: Watched
) -> None:
    result = steer(pocket, 618, text, watched, 10.0, random=RANDOM)
    split = token_split(pocket.vocabulary)
    assert all(split[token.id] == OPEN_TOKEN for token in [*result.promoted, *result.suppressed])
    (window,) = text.windows
    sealed = next(at for at in range(1, len(window)) if split[window[at]] != OPEN_TOKEN)
    pair = steer(pocket, 618, Contexts([window[sealed - 1 : sealed + 1]], ["pair"]), watched, 10.0, random=RANDOM)
    assert pair.loss_change is None and pair.contexts[0].loss_change is None and pair.kl is not None


def test_contexts_come_from_the_open_part_alone(pocket: Subject, store: ActivationStore) -> None:
    sides = {store.row_tokens(row).tobytes(): store.rows.sides[row] for row in range(len(store.rows))}
    assert len(set(sides.values())) == len(SIDES)
    part = explore(store, pocket.vocabulary.special)
    drawn = random_contexts(part, 1000)
    assert len(drawn.windows) == (store.rows.sides == OPEN).sum()
    assert {sides[window.tobytes()] for window in drawn.windows} == {OPEN}
    few = random_contexts(part, 3)
    assert [w.tolist() for w in few.windows] == [w.tolist() for w in random_contexts(part, 3).windows]
    feature = max(range(0, pocket.n_features, 16), key=lambda f: len(part.firings(f).values))
    found = strongest_contexts(part, feature, 4)
    peaks = [a.max() for a in activations(pocket, found.windows, feature)]
    assert {sides[window.tobytes()] for window in found.windows} == {OPEN}
    assert len({window.tobytes() for window in found.windows}) == 4
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[0] == pytest.approx(largest_activation(part, feature), rel=1e-4)


def test_a_long_text_is_cut_into_windows_and_says_so(pocket: Subject) -> None:
    found = given_texts(pocket, ["Short one.", "one two three four " * 60])
    assert found.sources == ["text 1", *["text 2"] * (len(found.windows) - 1)]
    count = sum(map(len, found.windows[1:]))
    expected = f"Text 2 has {count} tokens: read in {len(found.windows) - 1} windows of up to 127."
    assert found.notes == [expected] and count > 127


def test_the_librarys_sets_are_watched_but_not_those_made_from_features(pocket_bench: Workbench) -> None:
    subject, open_ids = pocket_bench.subject, pocket_bench.open_ids
    made = TokenSet("made", "derived", "", open_ids[:50], "", "", (), (Derivation("pocket", 3, subject.decoder[[3]]),))
    library = TokenSetLibrary([*pocket_bench.library, made], subject.vocabulary.hash)
    found = watch(subject.vocabulary, library, open_ids)
    assert found.names == [s.name for s in pocket_bench.sets]
    for members, token_set in zip(found.members, pocket_bench.sets, strict=True):
        np.testing.assert_array_equal(open_ids[members], np.intersect1d(token_set.ids, open_ids))
    assert watch(subject.vocabulary, library, open_ids, ["made"]).chosen


def test_bare_directions_can_be_added_and_not_ablated(
    text: Contexts, watched: Watched, pocket: Subject, tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", pocket.decoder[:300])
    bare = open_subject("pocket", directions=tmp_path / "rows.npy", device="cpu")
    assert steer(bare, 7, text, watched, 10.0, random=RANDOM).promoted
    with pytest.raises(UsageError, match="has no encoder"):
        ablate(bare, 7, text, watched, random=RANDOM)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feature": 4096}, "Feature 4096 does not exist: this dictionary has features 0 to 4095"),
        ({"feature": -1}, "Feature -1 does not exist"),
        ({"strength": math.nan}, "A strength of nan steers nowhere"),
        ({"strength": math.inf}, "A strength of inf steers nowhere"),
        ({"scale": 0.0}, "A scale of 0.0 is no activation"),
        ({"scale": math.nan}, "A scale of nan is no activation"),
        ({"random": 15}, "15 random directions are too few"),
    ],
)
def test_steering_that_means_nothing_is_refused(
    pocket: Subject, text: Contexts, watched: Watched, changes: dict[str, Any], message: str
) -> None:
    arguments = {"feature": 618, "contexts": text, "watched": watched, "scale": 1.0, **changes}
    with pytest.raises(UsageError, match=message):
        steer(pocket, **arguments)


def test_a_feature_that_writes_nothing_is_refused(pocket: Subject, make_sae: Callable[..., Any]) -> None:
    sae = make_sae(256, "blocks.3.hook_resid_post")
    sae.W_dec.data[2] = 0
    with pytest.raises(UsageError, match="Feature 2 writes nothing"):
        written_row(Subject.from_objects(pocket.model, sae), 2)


def test_examples_say_what_ablation_does_to_open_next_tokens(pocket: Subject, store: ActivationStore) -> None:
    activity = Activity(pocket)
    activity.part = explore(store, pocket.vocabulary.special)
    feature = int(activity.part.totals.firings.argsort()[-20])
    plain, found = list(activity.examples(feature)), list(ablated_examples(activity, feature))
    assert [row.model_copy(update={"loss_change": None}) for row in found] == plain
    split, shown = token_split(pocket.vocabulary), pocket.vocabulary.shown
    parts = {shown(token): split[token] for token in pocket.universe.tolist()}
    for row in found:
        assert (row.loss_change is None) == (parts.get(row.next_token or "") != OPEN_TOKEN)
        if row.loss_change is not None and row.kind != "negative":
            assert row.loss_change != 0
    assert {None} < {row.loss_change for row in found}


def test_examples_of_features_that_cannot_be_ablated_are_refused_before_an_index_is_made(
    pocket: Subject, make_sae: Callable[..., Any], tmp_path: Path
) -> None:
    sae = make_sae(256, "blocks.3.hook_resid_post")
    sae.W_dec.data[2] = 0
    with pytest.raises(UsageError, match="Feature 2 writes nothing"):
        ablated_examples(Activity(Subject.from_objects(pocket.model, sae)), 2)
    np.save(tmp_path / "rows.npy", pocket.decoder[:3])
    with pytest.raises(UsageError, match="has no encoder"):
        ablated_examples(Activity(open_subject("pocket", directions=tmp_path / "rows.npy", device="cpu")), 2)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "No text was given"),
        ([""], "Text 1 is empty"),
        (["Two tokens", " \n "], "Text 2 is empty"),
        (["The"], "Text 1 has 1 token: give at least 2"),
    ],
)
def test_texts_without_a_next_token_are_refused(pocket: Subject, texts: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        given_texts(pocket, texts)


def test_sets_that_hold_no_open_token_are_refused(pocket_bench: Workbench) -> None:
    def watching(spec: str) -> None:
        watch(pocket_bench.subject.vocabulary, pocket_bench.library, pocket_bench.open_ids, [spec])

    for spec, message in (
        ("regex.nothing", "No token set"),
        ('{"words": ["zzzzzz"]}', "has 0 tokens, none of them open"),
        ('{"sufix": "ing"}', "sufix"),
    ):
        with pytest.raises(UsageError, match=message):
            watching(spec)


def test_features_that_never_fire_have_neither_contexts_nor_a_scale(pocket: Subject, store: ActivationStore) -> None:
    part = explore(store, pocket.vocabulary.special)
    silent = next(f for f in range(pocket.n_features) if not len(part.firings(f).values))
    with pytest.raises(UsageError, match="never fires on the open part of the index: choose another one"):
        strongest_contexts(part, silent, 4)
    with pytest.raises(UsageError, match="--scale"):
        largest_activation(part, silent)
