"""Parts of an index against a dense matrix of the same rows, and what cannot be reached through them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tsea.tools.activations import building, indexing
from tsea.tools.activations.documents import open_corpus
from tsea.tools.activations.indexing import index_corpus, open_index
from tsea.tools.activations.part import BINS, Part, explore
from tsea.tools.activations.partition import HELD_OUT, OPEN, SIDES
from tsea.tools.activations.store import ActivationStore
from tsea.tools.errors import UsageError
from tsea.tools.subject import Subject, open_subject


@pytest.fixture(scope="module")
def subject() -> Subject:
    return open_subject("pocket")


@pytest.fixture(scope="module")
def store(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> ActivationStore:
    """Sixty rows of the bundled text, in small chunks."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(folder))
        patch.setattr(building, "CHUNK_TOKENS", 2000)
        patch.setattr(building, "_PAGE_TOKENS", 1000)
        return index_corpus(subject, None, 60 * 127)


@pytest.fixture(scope="module")
def dense(subject: Subject, store: ActivationStore) -> np.ndarray:
    """Every activation, positions by features."""
    matrix = np.zeros((store.firsts[-1], subject.n_features), np.float32)
    for feature in range(subject.n_features):
        found = store.firings(feature)
        matrix[found.positions, feature] = found.values
    return matrix


@pytest.fixture
def part(subject: Subject, store: ActivationStore) -> Part:
    return explore(store, subject.vocabulary.special)


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
        stats = part.stats(feature)
        assert (stats.tokens, stats.firings) == (text.sum(), len(active))
        assert stats.density == len(active) / text.sum()
        assert stats.max == (active.max() if len(active) else None)
        assert sum(stats.histogram) == len(active) and len(stats.histogram) == BINS
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
    parts = [Part(store, [side], subject.vocabulary.special) for side in SIDES]
    for feature in range(0, subject.n_features, 100):
        assert sum(len(p.firings(feature).positions) for p in parts) == len(store.firings(feature).positions)
    counts = [p.token_counts for p in parts]
    assert sum(c.sum() for c in counts) == Part(store, SIDES, subject.vocabulary.special).token_counts.sum()


def test_an_index_is_made_once_and_found_again(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("A short text about kings and queens.")
    corpus = open_corpus([str(path)])
    made = index_corpus(subject, corpus)

    def refuse(*_: Any) -> Any:
        raise AssertionError("made again")

    monkeypatch.setattr(indexing, "build", refuse)
    assert index_corpus(subject, corpus).folder == open_index(subject).folder == made.folder
    path.write_text("Another text.")
    with pytest.raises(AssertionError, match="made again"):
        index_corpus(subject, corpus)


def test_an_index_belongs_to_the_weights_it_was_made_with(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_text("A short text about kings and queens.")
    index_corpus(subject, open_corpus([str(path)]))
    other = open_subject("pocket/neurons/1")
    assert index_corpus(other, open_corpus([str(path)])).folder.parent != open_index(subject).folder.parent
    directions = tmp_path / "d.npy"
    np.save(directions, np.eye(subject.d_model, dtype=np.float32)[:3])
    with pytest.raises(UsageError, match="no encoder"):
        index_corpus(open_subject("pocket", directions=directions), open_corpus([str(path)]))
