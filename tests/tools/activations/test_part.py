"""Parts of an index against a dense matrix of the same rows, and what cannot be reached through them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tsea.tools.activations import indexing
from tsea.tools.activations.documents import open_corpus
from tsea.tools.activations.held_out import HeldOut
from tsea.tools.activations.indexing import index_corpus, open_index
from tsea.tools.activations.part import BINS, Part
from tsea.tools.activations.partition import HELD_OUT, OPEN, SIDES, Side
from tsea.tools.activations.store import ActivationStore
from tsea.tools.errors import UsageError
from tsea.tools.subject import Subject, open_subject


def positions_of(store: ActivationStore, side: int) -> np.ndarray:
    return np.flatnonzero(store.rows.sides[store.rows.of(np.arange(store.firsts[-1]))] == side)


def test_figures_of_every_feature_are_those_of_the_dense_matrix(
    part: Part, store: ActivationStore, dense: np.ndarray, subject: Subject
) -> None:
    own = positions_of(store, OPEN)
    tokens = store.tokens(own)
    text = ~np.isin(tokens, list(subject.vocabulary.special))
    assert 0.2 < len(own) / store.firsts[-1] < 0.6
    for feature in range(0, subject.n_features, 40):
        values = dense[own, feature]
        active = values[values > 0]
        stats = part.summary(feature)
        assert (stats.tokens, stats.firings) == (text.sum(), len(active))
        assert stats.density == len(active) / text.sum()
        assert stats.max == (active.max() if len(active) else None)
        edges = np.linspace(0, active.max(), BINS + 1)[1:-1] if len(active) else []
        bins = np.searchsorted(edges, active.astype(np.float64), side="right")
        assert stats.histogram == np.bincount(bins, minlength=BINS).tolist()
        if len(active):
            assert stats.mean == pytest.approx(active.mean(dtype=np.float64), rel=1e-6)
            ids, means = part.token_means(feature)
            expected = {
                int(t): values[text & (tokens == t)].mean(dtype=np.float64) for t in np.unique(tokens[values > 0])
            }
            assert dict(zip(ids.tolist(), means, strict=True)) == pytest.approx(expected, rel=1e-6)


def test_a_context_is_the_row_with_the_features_activations(
    part: Part, store: ActivationStore, dense: np.ndarray
) -> None:
    feature = int(np.argmax((dense[positions_of(store, OPEN)] > 0).sum(axis=0)))
    firings = part.firings(feature)
    for position in firings.positions[::7].tolist():
        context = part.context(position, firings)
        start, stop = store.rows.starts[context.row], store.rows.starts[context.row + 1]
        assert start + context.position == position
        np.testing.assert_array_equal(context.activations, dense[start:stop, feature])
        np.testing.assert_array_equal(context.tokens, store.tokens(np.arange(start, stop)))


def test_nothing_of_another_side_can_be_reached(part: Part, store: ActivationStore, subject: Subject) -> None:
    own, held_out = set(positions_of(store, OPEN).tolist()), positions_of(store, HELD_OUT)
    assert len(held_out)
    for feature in range(0, subject.n_features, 10):
        assert set(part.firings(feature).positions.tolist()) <= own
    assert set(store.rows.sides[part.rows].tolist()) == {OPEN}
    firings = part.firings(0)
    for position in np.random.default_rng(0).choice(held_out, 200):
        with pytest.raises(KeyError):
            part.context(int(position), firings)
        with pytest.raises(KeyError):
            part.tokens(np.array([position]))


def test_parts_add_up_to_the_whole(store: ActivationStore, subject: Subject) -> None:
    special = subject.vocabulary.special
    parts = [Part(store, ["open"], special), Part(store, ["confirm"], special), HeldOut(store, special)]
    for feature in range(0, subject.n_features, 100):
        assert sum(len(p.firings(feature).positions) for p in parts) == len(store.firings(feature).positions)
    tokens = store.tokens(np.arange(store.firsts[-1]))
    assert sum(p.token_counts.sum() for p in parts) == (~np.isin(tokens, list(special))).sum()
    assert {side for p in parts for side in p.sides} == set(SIDES)


def test_the_held_out_side_has_a_door_of_its_own(store: ActivationStore, subject: Subject) -> None:
    refused: list[list[Side]] = [["held_out"], ["open", "held_out"]]
    for sides in refused:
        with pytest.raises(PermissionError):
            Part(store, sides, subject.vocabulary.special)
    assert HeldOut(store, subject.vocabulary.special).sides == ("held_out",)


def test_totals_are_those_of_the_dense_matrix_and_are_kept(
    part: Part, store: ActivationStore, dense: np.ndarray
) -> None:
    own = dense[positions_of(store, OPEN)]
    np.testing.assert_array_equal(part.totals.firings, (own > 0).sum(axis=0))
    np.testing.assert_array_equal(part.totals.maxima, own.max(axis=0))
    np.testing.assert_allclose(part.totals.sums, own.sum(axis=0, dtype=np.float64), rtol=1e-9)
    assert (store.folder / "totals" / "open.npz").exists()


def test_firings_at_positions_are_counted_for_every_feature(
    part: Part, store: ActivationStore, dense: np.ndarray
) -> None:
    some = positions_of(store, OPEN)[::5]
    np.testing.assert_array_equal(part.firings_at(some), (dense[some] > 0).sum(axis=0))
    np.testing.assert_array_equal(part.firings_at(some[:0]), np.zeros(dense.shape[1]))


def test_windows_stay_in_their_row_and_the_next_token_in_its_document(part: Part, store: ActivationStore) -> None:
    table = store.rows
    for row in part.rows.tolist():
        start, stop = table.starts[row : row + 2].tolist()
        begin, end = part.spans(np.array([start, stop - 1]), 3, 2)
        assert (begin.tolist(), end.tolist()) == ([start, max(start, stop - 4)], [min(stop, start + 3), stop])
        same = row + 1 < len(table) and table.documents[row + 1] == table.documents[row]
        assert (part.following(stop - 1) is None) == (not same)
        assert part.following(start) == store.tokens(np.array([start + 1]))[0]
    token = int(np.argmax(part.token_counts))
    found = part.occurrences(token)
    assert len(found) == part.token_counts[token] and set(part.tokens(found)) == {token}


def test_an_index_is_made_once_and_found_again(
    pocket: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("A short text about kings and queens.")
    corpus = open_corpus([str(path)])
    made = index_corpus(pocket, corpus)

    def refuse(*_: Any) -> Any:
        raise AssertionError("made again")

    monkeypatch.setattr(indexing, "build", refuse)
    assert index_corpus(pocket, corpus).folder == open_index(pocket).folder == made.folder
    path.write_text("Another text.")
    with pytest.raises(AssertionError, match="made again"):
        index_corpus(pocket, corpus)


def test_an_index_belongs_to_the_weights_it_was_made_with(pocket: Subject, tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("A short text about kings and queens.")
    index_corpus(pocket, open_corpus([str(path)]))
    other = open_subject("pocket/neurons/1")
    assert index_corpus(other, open_corpus([str(path)])).folder.parent != open_index(pocket).folder.parent
    directions = tmp_path / "d.npy"
    np.save(directions, np.eye(pocket.d_model, dtype=np.float32)[:3])
    with pytest.raises(UsageError, match="no encoder"):
        index_corpus(open_subject("pocket", directions=directions), open_corpus([str(path)]))
