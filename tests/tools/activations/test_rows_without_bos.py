"""A subject whose SAE was trained on rows without BOS, against computations by hand on rows without it."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tsea.tools.activations.activity import Activity
from tsea.tools.activations.documents import open_corpus
from tsea.tools.activations.indexing import index_corpus, open_index
from tsea.tools.activations.negatives import negatives
from tsea.tools.activations.part import explore
from tsea.tools.activations.store import ActivationStore
from tsea.tools.derived_sets import fired_sets
from tsea.tools.errors import UsageError
from tsea.tools.inputs.slices import encoder_values, slice_of
from tsea.tools.storage.cache import ByteCache
from tsea.tools.subject import Subject
from tsea.tools.subject.reading import row_start
from tsea.tools.subject.text_rows import SAMPLED_CORPUS, bundled_text, text_rows
from tsea.tools.token_sets import TokenSet
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.workbench import Workbench

CONTEXT = 128


@pytest.fixture(scope="module")
def subject(subject_without_bos: Subject) -> Subject:
    return subject_without_bos


def tokens_of(subject: Subject, text: str) -> list[int]:
    """Ids of a text in which names of special tokens are text too."""
    return subject.model.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]


@pytest.fixture(scope="module")
def texts(subject: Subject) -> list[str]:
    """Documents of up to three rows."""
    decode = subject.model.tokenizer.decode
    rows = bundled_text(60)[:, 1:]
    return [decode(rows[3 * i : 3 * i + 1 + i % 3].ravel()) for i in range(20)]


@pytest.fixture(scope="module")
def rows(subject: Subject, texts: list[str]) -> list[list[int]]:
    """Tokens of the documents in windows of the whole context."""
    found = []
    for text in texts:
        ids = tokens_of(subject, text.strip("\r\n"))
        found += [ids[at : at + CONTEXT] for at in range(0, len(ids), CONTEXT)]
    return found


@pytest.fixture(scope="module")
def corpus(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    path.write_text("".join(json.dumps({"text": text.strip("\r\n")}) + "\n" for text in texts))
    return open_corpus([str(path)])


@pytest.fixture(scope="module")
def store(subject: Subject, corpus: Any, tmp_path_factory: pytest.TempPathFactory) -> ActivationStore:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TSEA_HOME", str(tmp_path_factory.mktemp("home")))
        return index_corpus(subject, corpus)


def by_hand(subject: Subject, ids: list[int]) -> np.ndarray:
    """Activations (tokens, features) of a row of nothing but these tokens."""
    with torch.no_grad():
        _, cache = subject.model.run_with_cache(torch.tensor([ids]))
        return subject.sae.encode(cache[subject.hook_name])[0].numpy()


@pytest.fixture(scope="module")
def dense(subject: Subject, rows: list[list[int]]) -> np.ndarray:
    return np.concatenate([by_hand(subject, ids) for ids in rows])


@pytest.fixture(scope="module")
def activity(subject: Subject, store: ActivationStore) -> Activity:
    activity = Activity(subject)
    activity.part = explore(store, subject.vocabulary.special)
    return activity


@pytest.fixture(scope="module")
def first_fires(store: ActivationStore, dense: np.ndarray) -> int:
    """A feature that fires on first tokens of rows, and not on most of the others."""
    first = dense[store.rows.starts[:-1]] > 0
    return int((first.sum(axis=0) * ((dense > 0).mean(axis=0) < 0.1)).argmax())


def test_the_index_holds_rows_of_the_whole_context_and_their_first_tokens(
    subject: Subject, store: ActivationStore, rows: list[list[int]], dense: np.ndarray, first_fires: int
) -> None:
    assert len(row_start(subject)) == 0 and max(map(len, rows)) == CONTEXT
    assert [store.row_tokens(row).tolist() for row in range(len(store.rows))] == rows
    found = np.zeros_like(dense)
    for feature in range(subject.n_features):
        firings = store.firings(feature)
        found[firings.positions, feature] = firings.values
    np.testing.assert_allclose(found, dense, rtol=1e-3, atol=1e-4)
    assert np.isin(store.rows.starts[:-1], store.firings(first_fires).positions).any()


def test_texts_are_read_as_the_index_was(subject: Subject, activity: Activity, rows: list[list[int]]) -> None:
    text = subject.model.tokenizer.decode(sum(rows[:2], []))
    ids = tokens_of(subject, text)
    expected = np.concatenate([by_hand(subject, ids[at : at + CONTEXT]) for at in range(0, len(ids), CONTEXT)])
    found = np.array([row.activations for row in activity.activate([text], np.arange(40))]).T
    np.testing.assert_allclose(found, expected[:, :40], rtol=1e-3, atol=1e-4)
    first = {row.feature: row.activation for row in activity.find(" The", most=subject.n_features)}
    (token,) = tokens_of(subject, " The")
    alone = by_hand(subject, [token])[0]
    np.testing.assert_array_equal(sorted(first), np.flatnonzero(alone > 0))
    np.testing.assert_allclose([first[f] for f in sorted(first)], alone[alone > 0], rtol=1e-3)


def test_log_probabilities_of_next_tokens_are_those_behind_rows_without_bos(
    subject: Subject, store: ActivationStore, activity: Activity, rows: list[list[int]]
) -> None:
    from transformers import GPT2LMHeadModel

    model = GPT2LMHeadModel.from_pretrained(SAMPLED_CORPUS.parent / "model", dtype=torch.float32).eval()
    feature = int(activity.part.totals.firings.argmax())
    examples = list(activity.examples(feature, ["top"], 20))
    firings = activity.part.firings(feature)
    order = np.lexsort((firings.positions, -firings.values))[: len(examples)]
    seen = 0
    for row, position in zip(examples, firings.positions[order].tolist(), strict=True):
        number = int(store.rows.of(np.array([position]))[0])
        place = position - int(store.rows.starts[number])
        following = activity.part.following(position)
        if following is None:
            continue
        with torch.no_grad():
            logits = model(torch.tensor([rows[number]])).logits[0, place]
        assert row.next_log_prob == pytest.approx(float(logits.log_softmax(-1)[following]), rel=1e-3, abs=1e-3)
        seen += 1
    assert seen > 10


def test_negatives_are_silent_on_rows_without_bos(
    subject: Subject, activity: Activity, store: ActivationStore, dense: np.ndarray, first_fires: int
) -> None:
    found = negatives(subject, activity.part, first_fires, activity.part.firings(first_fires), 3)
    assert found
    for one in found:
        (begin,), (end,) = activity.part.spans(np.array([one.position]), 40, 15)
        assert not (dense[begin:end, first_fires] > 0).any()


def test_what_the_encoder_reads_in_a_slice_gives_the_activations(
    subject: Subject, store: ActivationStore, activity: Activity, dense: np.ndarray
) -> None:
    found = slice_of(subject, activity.part, 10**9)
    with torch.no_grad():
        products = torch.from_numpy(encoder_values(subject, found)) @ subject.sae.W_enc + subject.sae.b_enc
    np.testing.assert_allclose(products.relu().numpy(), dense[found.positions], rtol=1e-3, atol=1e-3)
    assert np.isin(store.rows.starts[:-1][store.rows.sides == 0], found.positions).all()


def test_tokens_alone_are_rows_of_one_token(subject: Subject, tmp_path: Path) -> None:
    every = TokenSet("every", "rule", "", subject.universe[::9], "", "")
    library = TokenSetLibrary([every], subject.vocabulary.hash)
    sets = fired_sets(Workbench(subject, library, cache=ByteCache(tmp_path)), np.arange(40))
    some = subject.universe[::397].tolist()
    active = np.concatenate([by_hand(subject, [token]) for token in some])[:, :40] > 0
    held = {s.name: set(s.ids.tolist()) for s in sets}
    for feature in range(40):
        assert [token in held.get(str(feature), ()) for token in some] == active[:, feature].tolist()
    assert active.any() and not active.all()


def test_other_rows_with_the_same_weights_make_another_index(
    subject: Subject, pocket: Subject, corpus: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSEA_HOME", str(tmp_path))
    sae = copy.deepcopy(subject.sae)
    sae.cfg.metadata.prepend_bos = True
    begun = Subject.from_objects(pocket.model, sae, name="another")
    with_bos = index_corpus(begun, corpus, 200)
    other = dataclasses.replace(subject, name="another")
    assert other.hash == begun.hash and other.firing_hash != begun.firing_hash
    with pytest.raises(UsageError, match="has no activation index"):
        open_index(other)
    without = index_corpus(other, corpus, 200)
    assert without.folder != with_bos.folder
    assert (open_index(other).folder, open_index(begun).folder) == (without.folder, with_bos.folder)


def test_rows_of_a_file_begin_with_text(subject: Subject, pocket: Subject, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("The cat sat on the mat. " * 100)
    ids = tokens_of(subject, "The cat sat on the mat. " * 100)
    assert text_rows(subject, tmp_path / "text.txt", 2).ravel().tolist() == ids[: 2 * CONTEXT]
    begun = text_rows(pocket, tmp_path / "text.txt", 2)
    assert begun[:, 0].tolist() == [0, 0] and begun[:, 1:].ravel().tolist() == ids[: 2 * CONTEXT - 2]
    np.testing.assert_array_equal(text_rows(subject, None, 3), text_rows(pocket, None, 3)[:, 1:])
