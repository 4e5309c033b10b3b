"""The store against a dense computation by other means, and against itself after interruptions."""

from __future__ import annotations

import itertools
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tsea.tools.activations import building
from tsea.tools.activations.building import build
from tsea.tools.activations.documents import open_corpus
from tsea.tools.activations.rows import Row, context_of, rows_of
from tsea.tools.activations.store import ActivationStore
from tsea.tools.errors import TseaError, UsageError
from tsea.tools.subject import Subject, open_subject

TEXTS = [
    "The cat sat on the mat. " * 40,
    "x",
    "def f(a):\n    return a <|endoftext|> b\n",
    "In 1999 the king said: \u201cNo!\u201d \ud800 and left.",
    "one two three four five six seven eight nine ten " * 12,
]


def corpus_of(folder: Path, texts: list[str]) -> Path:
    path = folder / "corpus.txt"
    path.write_bytes("\n<|endoftext|>\n".join(texts).encode("utf-8", "replace"))
    return path


def rows_in(path: Path, subject: Subject) -> list[Row]:
    return list(rows_of(subject, open_corpus([str(path)])))


def dense(subject: Subject, row: Row) -> np.ndarray:
    """Activations (tokens, features) of one row alone, the whole model run with hooks of its own."""
    bos = subject.model.tokenizer.bos_token_id
    ids = torch.tensor([[bos, *row.tokens.tolist()]])
    with torch.no_grad():
        _, cache = subject.model.run_with_cache(ids)
        found = cache[subject.hook_name]
        return (found if subject.sae is None else subject.sae.encode(found))[0, 1:].numpy()


def test_the_store_holds_what_a_dense_computation_gives(subject: Subject, tmp_path: Path) -> None:
    rows = rows_in(corpus_of(tmp_path, TEXTS), subject)
    assert max(len(row.tokens) for row in rows) == context_of(subject) - 1
    store = ActivationStore(tmp_path / "store")
    build(store, subject, rows)
    expected = np.concatenate([dense(subject, row) for row in rows])
    if subject.sae is not None:
        assert 0.005 < (expected > 0).mean() < 0.05
    found = np.zeros_like(expected)
    for feature in range(subject.n_features):
        firings = store.firings(feature)
        assert np.all(np.diff(firings.positions) > 0)
        found[firings.positions, feature] = firings.values
    np.testing.assert_allclose(found, np.where(expected > 0, expected, 0), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(store.tokens(np.arange(len(expected))), np.concatenate([r.tokens for r in rows]))


def test_rows_say_where_they_come_from_and_special_names_are_text(tmp_path: Path) -> None:
    subject = open_subject("pocket")
    rows = rows_in(corpus_of(tmp_path, TEXTS), subject)
    for number, text in enumerate(TEXTS):
        own = [row for row in rows if row.document == number]
        ids = np.concatenate([row.tokens for row in own])
        assert subject.model.tokenizer.decode(ids) == text.encode("utf-8", "replace").decode().strip("\n")
        assert [row.start for row in own] == [i * (context_of(subject) - 1) for i in range(len(own))]
        assert len({row.side for row in own}) == len({row.key for row in own}) == 1
        assert not set(ids.tolist()) & subject.vocabulary.special


def test_a_long_document_is_cut_into_the_same_tokens_as_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = open_subject("pocket")
    path = corpus_of(tmp_path, ["Some words, then more; and an end. " * 300])
    whole = np.concatenate([row.tokens for row in rows_in(path, subject)])
    monkeypatch.setattr("tsea.tools.activations.tokens._PIECE", 1000)
    np.testing.assert_array_equal(np.concatenate([row.tokens for row in rows_in(path, subject)]), whole)


def test_special_tokens_inside_a_row_never_count(tmp_path: Path) -> None:
    subject = open_subject("pocket")
    (end,) = subject.vocabulary.special
    plain = rows_in(corpus_of(tmp_path, TEXTS[:1]), subject)[0]
    row = Row(np.insert(plain.tokens[:-1], 5, end), 0, 1, 0, 0)
    store = ActivationStore(tmp_path / "store")
    build(store, subject, [row])
    positions = np.concatenate([store.firings(f).positions for f in range(subject.n_features)])
    assert len(positions) and 5 not in positions


def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(building, "CHUNK_TOKENS", 300)
    monkeypatch.setattr(building, "_PAGE_TOKENS", 150)


def files_of(store: Path) -> dict[str, bytes]:
    return {str(path.relative_to(store)): path.read_bytes() for path in store.rglob("*.npy")}


@pytest.mark.large
def test_chunks_interrupted_anywhere_end_up_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_chunks(monkeypatch)
    subject = open_subject("pocket")
    rows = rows_in(corpus_of(tmp_path, TEXTS * 3), subject)
    build(ActivationStore(tmp_path / "whole"), subject, rows)
    whole = files_of(tmp_path / "whole")
    assert len(ActivationStore(tmp_path / "whole").chunks) >= 3

    class Stop(Exception):
        pass

    for stop in range(1, len(rows)):

        def interrupted(stop: int = stop) -> itertools.chain[Row]:
            def fail() -> itertools.chain[Row]:
                raise Stop

            return itertools.chain(rows[:stop], (row for _ in range(1) for row in fail()))

        folder = tmp_path / f"stopped{stop}"
        with pytest.raises(Stop):
            build(ActivationStore(folder), subject, interrupted())
        build(ActivationStore(folder), subject, rows)
        assert files_of(folder) == whole


KILLED = """
import sys
from pathlib import Path
from tsea.tools.activations import building
from tsea.tools.activations.documents import open_corpus
from tsea.tools.activations.rows import rows_of
from tsea.tools.activations.store import ActivationStore
from tsea.tools.subject import open_subject
building.CHUNK_TOKENS, building._PAGE_TOKENS = 300, 150
subject = open_subject("pocket")
building.build(ActivationStore(Path(sys.argv[2])), subject, rows_of(subject, open_corpus([sys.argv[1]])))
"""


@pytest.mark.large
def test_a_killed_build_goes_on_to_the_same_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_chunks(monkeypatch)
    subject = open_subject("pocket")
    path = corpus_of(tmp_path, TEXTS * 20)
    build(ActivationStore(tmp_path / "whole"), subject, rows_of(subject, open_corpus([str(path)])))
    folder = tmp_path / "killed"
    for chunks in (1, 4, 9):
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(path), str(folder)])
        while len(list((folder / "chunks").glob("[0-9]*"))) < chunks and process.poll() is None:
            time.sleep(0.005)
        time.sleep(random.random() * 0.05)  # anywhere in the work on the next chunk
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    build(ActivationStore(folder), subject, rows_of(subject, open_corpus([str(path)])))
    assert files_of(folder) == files_of(tmp_path / "whole")


def test_a_corpus_without_text_and_a_full_disk_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = open_subject("pocket")
    with pytest.raises(UsageError, match="holds no text"):
        build(ActivationStore(tmp_path / "empty"), subject, [])
    rows = rows_in(corpus_of(tmp_path, TEXTS), subject)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        with pytest.raises(TseaError, match="no space left"):
            build(ActivationStore(tmp_path / "full"), subject, rows)
    assert not list((tmp_path / "full").rglob("*.npy"))
    build(ActivationStore(tmp_path / "full"), subject, rows)
