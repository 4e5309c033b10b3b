"""Answers about features against computations by other means: whole model runs, sets, SciPy, transformers' GPT-2."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import f_oneway

from tsea.tools.activations.activity import Activity
from tsea.tools.activations.cofiring import cofiring
from tsea.tools.activations.part import Part
from tsea.tools.activations.partition import OPEN
from tsea.tools.activations.position import position_profile
from tsea.tools.activations.store import ActivationStore
from tsea.tools.errors import UsageError
from tsea.tools.subject import Subject
from tsea.tools.subject.next_token import next_log_probs
from tsea.tools.subject.text_rows import SAMPLED_CORPUS

RED, CRIMSON = "My favorite color is red, he said.", "My favorite color is crimson, he said."


@pytest.fixture(scope="package")
def own(store: ActivationStore) -> np.ndarray:
    """Open positions, ascending."""
    return np.flatnonzero(store.rows.sides[store.rows.of(np.arange(store.firsts[-1]))] == OPEN)


@pytest.fixture(scope="package")
def some(dense: np.ndarray, own: np.ndarray) -> list[int]:
    """Features that fire often, now and then, and not at all, where there are any."""
    counts = (dense[own] > 0).sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    firing = order[: (counts > 0).sum()]
    return [*firing[[0, 5, len(firing) // 2]].tolist(), int(order[-1])]


def by_hand(subject: Subject, text: str) -> tuple[list[int], np.ndarray]:
    """Tokens of a text and all activations at them, each window of the context run through the whole model."""
    tokenizer = subject.model.tokenizer
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    found = []
    for start in range(0, len(ids), 127):
        with torch.no_grad():
            rows = torch.tensor([[tokenizer.bos_token_id, *ids[start : start + 127]]])
            at = subject.model.run_with_cache(rows)[1][subject.hook_name]
            found.append((at if subject.sae is None else subject.sae.encode(at))[0, 1:])
    return ids, torch.cat(found).numpy()


@pytest.mark.parametrize("text", [RED, "x", "The cat sat on 12 mats.\n" * 40], ids=["short", "one token", "long"])
def test_activations_of_a_text_are_those_of_the_model_run_window_by_window(
    subject: Subject, activity: Activity, text: str
) -> None:
    ids, expected = by_hand(subject, text)
    features = np.argsort(-expected.max(axis=0))[:50]
    rows = list(activity.activate([text], features))
    assert [row.feature for row in rows] == features.tolist()
    assert {row.windows for row in rows} == {activity.windows(text)} == {-(-len(ids) // 127)}
    assert {tuple(row.tokens) for row in rows} == {tuple(subject.vocabulary.shown(token) for token in ids)}
    found = np.array([row.activations for row in rows]).T
    np.testing.assert_allclose(found, expected[:, features], rtol=1e-3, atol=1e-4)


def test_an_edited_word_changes_activations_from_there_on_and_not_before(activity: Activity) -> None:
    features = np.array([row.feature for text in (RED, CRIMSON) for row in activity.find(text, most=20)])
    rows = list(activity.activate([RED, CRIMSON], features))
    before, after = (
        np.array([row.activations for row in part]) for part in (rows[: len(features)], rows[len(features) :])
    )
    edited = rows[0].tokens.index("\u2423red")
    assert rows[0].tokens[:edited] == rows[-1].tokens[:edited] and rows[-1].tokens[edited] != "\u2423red"
    np.testing.assert_allclose(after[:, :edited], before[:, :edited], rtol=1e-3, atol=1e-4)
    assert (np.abs(after[:, edited] - before[:, edited]) > 0.1).any()


@pytest.mark.parametrize("token", [None, " red", "\u2423red"])
def test_features_found_in_a_text_are_those_closest_to_their_open_maximum(
    subject: Subject, activity: Activity, dense: np.ndarray, own: np.ndarray, token: str | None
) -> None:
    ids, values = by_hand(subject, RED)
    at = slice(None) if token is None else [subject.vocabulary.shown(i) for i in ids].index("\u2423red")
    strongest = np.atleast_2d(values[at]).max(axis=0)
    maxima = dense[own].max(axis=0)
    found = activity.find(RED, token, most=subject.n_features)
    assert {row.feature for row in found} == set(np.flatnonzero(strongest > 0).tolist())
    for row in found:
        assert row.activation == pytest.approx(strongest[row.feature], rel=1e-3, abs=1e-4)
        if maxima[row.feature] > 0:
            assert row.normalised == pytest.approx(row.activation / maxima[row.feature], rel=1e-6)
        else:
            assert row.normalised is None
    shares = [-1.0 if row.normalised is None else row.normalised for row in found]
    assert shares == sorted(shares, reverse=True) and max(shares) > 0
    assert activity.find(RED, token, most=3) == found[:3]


def test_a_token_that_is_not_there_is_answered_with_those_that_are(activity: Activity) -> None:
    with pytest.raises(UsageError, match="No token of the text is 'red'. .*: a \u2423red \u2423car \u2423a$"):
        activity.find("a red car a red car", "red")
    with pytest.raises(UsageError, match=r" \.\.\.$"):
        activity.find(" ".join("a b c d e f g h i j k l m n o p q r s t u v w x y z"), "red")


def test_neighbours_by_firing_are_those_of_sets_of_positions(
    part: Part, dense: np.ndarray, own: np.ndarray, some: list[int]
) -> None:
    positions = [set(np.flatnonzero(column).tolist()) for column in (dense[own] > 0).T]
    for feature in some:
        mine = positions[feature]
        expected = [
            (len(mine & other) / len(mine | other), len(mine & other)) if mine | other and number != feature else (0, 0)
            for number, other in enumerate(positions)
        ]
        found = cofiring(part, feature, 30)
        assert [expected[f] for f in found.features] == list(zip(found.jaccard, found.shared, strict=True))
        best = sorted((share for share, _ in expected if share > 0), reverse=True)[:30]
        assert found.jaccard.tolist() == best


def test_neighbours_by_direction_are_the_largest_cosines(subject: Subject, activity: Activity, some: list[int]) -> None:
    for kind, rows in (("decoder", subject.decoder), ("encoder", subject.encoder)):
        assert rows is not None
        feature, mine = some[0], rows[some[0]].astype(float)
        norms = np.linalg.norm(rows.astype(float), axis=1) * np.linalg.norm(mine)
        cosines = np.divide(rows @ mine, norms, out=np.zeros(len(rows)), where=norms > 0)
        found = [row for row in activity.neighbours(feature, 7) if row.kind == kind]
        assert feature not in [row.neighbour for row in found] and len(found) == 7
        others = np.sort(np.delete(cosines, feature))[::-1]
        np.testing.assert_allclose([row.value for row in found], others[:7], atol=1e-5)
        np.testing.assert_allclose([cosines[row.neighbour] for row in found], others[:7], atol=1e-5)


def test_the_position_profile_is_the_analysis_of_variance_over_all_tokens(
    part: Part, store: ActivationStore, subject: Subject, dense: np.ndarray, own: np.ndarray, some: list[int]
) -> None:
    text = own[~np.isin(store.tokens(own), list(subject.vocabulary.special))]
    places = text - store.rows.starts[store.rows.of(text)]
    for feature in some:
        profile = position_profile(part, feature)
        groups = [dense[text[places == place], feature].astype(float) for place in range(places.max() + 1)]
        np.testing.assert_allclose(profile.means, [group.mean() for group in groups], rtol=1e-6, atol=1e-12)
        if not any(group.any() for group in groups):
            assert profile.explained is None
            continue
        ratio = f_oneway(*groups).statistic * (len(groups) - 1) / (len(text) - len(groups))
        assert profile.explained == pytest.approx(ratio / (1 + ratio), rel=1e-6)


def test_examples_carry_the_text_and_the_activations_of_the_index(
    activity: Activity, subject: Subject, store: ActivationStore, dense: np.ndarray, own: np.ndarray, some: list[int]
) -> None:
    feature = some[1]
    largest = own[np.argsort(-dense[own, feature], kind="stable")[:3]].tolist()
    for row, position in zip(activity.examples(feature, ["top"], 3), largest, strict=True):
        begin = position - row.position
        shown = slice(begin, begin + len(row.tokens))
        assert row.tokens == [subject.vocabulary.shown(t) for t in store.tokens(np.arange(shown.start, shown.stop))]
        np.testing.assert_array_equal(np.asarray(row.activations, np.float32), dense[shown, feature])
        assert row.document == f"{store.rows.keys[store.rows.of(np.array([position]))[0]]:016x}"
        if row.position + 1 < len(row.tokens):
            assert row.next_token == row.tokens[row.position + 1] and row.next_log_prob is not None
    assert activity.summary(feature).max == dense[own, feature].max()


def test_a_feature_that_never_fires_has_negatives_alone(activity: Activity, some: list[int], own: np.ndarray) -> None:
    silent = activity.summary(some[-1])
    if silent.firings == 0:
        assert (silent.max, silent.mean, silent.density) == (None, None, 0)
        assert {row.kind for row in activity.examples(some[-1], count=1)} == {"negative"}


@pytest.mark.parametrize("subject", ["pocket"], indirect=True, scope="package")
def test_log_probabilities_of_next_tokens_are_those_of_the_transformers_library(
    subject: Subject, store: ActivationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(SAMPLED_CORPUS.parent / "model", dtype=torch.float32).eval()
    rows = np.array([[subject.model.tokenizer.bos_token_id, *store.row_tokens(row)[:40]] for row in range(5)])
    places, tokens = [0, 1, 39, 12, 40], [5, *(int(rows[i, p + 1]) for i, p in ((1, 1), (2, 39), (3, 12))), 900]
    with torch.no_grad():
        logits = model(torch.from_numpy(rows)).logits.double()
    expected = [logits[i, p].log_softmax(-1)[t].item() for i, (p, t) in enumerate(zip(places, tokens, strict=True))]
    for budget in (256 * 2**20, 1):  # all at once, and row by row
        monkeypatch.setattr("tsea.tools.subject.next_token._LOGITS_BYTES", budget)
        np.testing.assert_allclose(next_log_probs(subject, rows, places, tokens), expected, rtol=1e-4, atol=1e-4)
    assert next_log_probs(subject, rows[:0], [], []).shape == (0,)
