"""Token sets tested on what features of a subject fire on, over a small index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tsea.tools.activations.rows import padded
from tsea.tools.activations.store import ActivationStore
from tsea.tools.errors import UsageError
from tsea.tools.inputs import enrichment, null
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.inputs.rows import input_test_rows, reading_rows
from tsea.tools.inputs.spec import parse_input_spec
from tsea.tools.statistics.earlier import Earlier
from tsea.tools.storage.cache import ByteCache
from tsea.tools.subject import Subject
from tsea.tools.subject.reading import encoder_input, feature_activations, row_start
from tsea.tools.subject.text_rows import bundled_text
from tsea.tools.token_sets import TokenSet
from tsea.tools.token_sets.derivation import Derivation
from tsea.tools.token_sets.library import TokenSetLibrary


def reading(subject: Subject, store: ActivationStore, sets: list[TokenSet], folder: Path) -> ReadingEnrichment:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enrichment, "SLICE_TOKENS", 3000)
        patch.setattr(enrichment, "DRAWS", 256)
        patch.setattr(null, "PILOT", 256)
        patch.setattr(null, "DECOYS", 32)
        library = TokenSetLibrary(sets, subject.vocabulary.hash)
        made = ReadingEnrichment(subject, store, library, ByteCache(folder))
        reading_rows(made, np.arange(2))  # builds the nulls
        return made


@pytest.fixture(scope="module")
def busy(store: ActivationStore, subject: Subject) -> np.ndarray:
    """The features that fire most."""
    counts = [len(store.firings(f).positions) for f in range(subject.n_features)]
    return np.argsort(counts)[::-1][:8].copy()


@pytest.fixture(scope="module")
def sets(subject: Subject, busy: np.ndarray) -> list[TokenSet]:
    """Every tenth token, ten times; the last is said to come from the busiest feature."""
    size, own = len(subject.vocabulary), (Derivation("s", int(busy[0]), subject.decoder[busy[[0]]]),)
    plain = [TokenSet(f"every.{i}", "every", "", np.arange(i, size, 10), "", "") for i in range(9)]
    return [*plain, TokenSet("own", "derived", "", np.arange(9, size, 10), "", "", (), own)]


def test_what_the_encoder_is_multiplied_with_gives_the_activations(subject: Subject) -> None:
    rows = padded([bundled_text(1)[0, 1:40]], row_start(subject))
    values = encoder_input(subject, rows)[0, 1:].float()
    products = values @ torch.from_numpy(subject.encoder).T
    fired = feature_activations(subject, rows)[0, 1:]
    for feature in np.flatnonzero((fired > 0).sum(dim=0).numpy() >= 5)[:20].tolist():
        on = fired[:, feature] > 0
        # A bias shifts all alike; what fires most is what the encoder is multiplied most with.
        order = products[on, feature].argsort()
        assert (fired[on, feature][order].diff() >= -1e-4).all()
        if not on.all() and subject.sae is not None and subject.sae.cfg.architecture() == "standard":
            assert products[~on, feature].max() <= products[on, feature].min()


def test_every_set_at_every_place_is_tested_for_features_that_fire_enough(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    found = reading_rows(reading(subject, store, sets, tmp_path), busy)
    for feature, rows in zip(busy.tolist(), found, strict=True):
        assert {row.feature for row in rows} == {feature}
        assert {row.where for row in rows} == {"token", "previous", "next"}
        assert {row.set for row in rows if not row.set.startswith("{")} <= {s.name for s in sets}
        assert len(rows) >= 20
        known = [row for row in rows if row.p is not None]
        assert all(row.share is not None and 0 <= row.share <= 1 and 0 < row.base < 0.5 for row in known)
        assert all(0 < (row.p or 0) <= (row.q or 0) <= 1 for row in known if row.p_sets == min_p(rows))
        assert [row.p_sets for row in known] == sorted(row.p_sets or 0 for row in known)


def min_p(rows: list) -> float:
    return min(row.p_sets for row in rows if row.p_sets is not None)


def test_a_set_made_from_a_feature_is_no_evidence_about_it(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    own, other = reading_rows(reading(subject, store, sets, tmp_path), busy[[0, 3]])
    circular = [row for row in own if row.set == "own"]
    assert circular and all(
        row.p is None and row.p_sets is None and row.q is None and row.holds is None for row in circular
    )
    assert all(row.p is not None for row in other if row.set == "own")


def test_a_feature_that_hardly_fires_is_not_tested(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], tmp_path: Path
) -> None:
    counts = [len(store.firings(f).positions) for f in range(subject.n_features)]
    (rows,) = reading_rows(reading(subject, store, sets, tmp_path), np.array([int(np.argmin(counts))]))
    if min(counts) < null.LEVELS[0]:
        assert all(row.p is None and row.q is None and row.firings == 0 for row in rows)


def test_the_null_is_kept(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    first = reading_rows(reading(subject, store, sets, tmp_path), busy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enrichment, "reading_null", None)
        assert reading_rows(reading(subject, store, sets, tmp_path), busy) == first


def test_a_written_hypothesis_is_tested_like_the_set_that_it_names(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    made = reading(subject, store, sets, tmp_path)
    for where in ("token", "previous", "next"):
        rows = [next(r for r in rows if (r.set, r.where) == ("every.3", where)) for rows in reading_rows(made, busy)]
        found = input_test_rows(made, busy, parse_input_spec({where: "every.3"}))
        for one, other in zip(found, rows, strict=True):
            assert (one.feature, one.firings, one.holds is None) == (other.feature, other.firings, other.holds is None)
            assert one.share == (None if not other.firings else pytest.approx(other.share, abs=1e-6))
            assert one.base == pytest.approx(other.base, abs=1e-3)  # special tokens are no members
            if other.p is not None and one.p is not None:
                assert one.p == pytest.approx(other.p, rel=0.2, abs=0.05)


def test_what_a_feature_fires_on_is_found_by_its_own_tokens(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    made = reading(subject, store, sets, tmp_path)
    readers = made.features(busy[:1])
    ids = np.unique(made.slice.tokens["token"][readers.open.at[0][readers.open.at[0] >= 0]])
    (row,) = input_test_rows(made, busy[:1], parse_input_spec({"token": {"ids": ids.tolist()}}))
    assert row.share == pytest.approx(1) and row.tests == 1 and row.p is not None and row.p <= 0.05
    assert made.share_on(readers, 0, ids) == (pytest.approx(1), pytest.approx(row.base))
    (counted,) = input_test_rows(
        made, busy[:1], parse_input_spec({"token": {"ids": ids.tolist()}}), {int(busy[0]): Earlier(9, (0.5,))}
    )
    assert counted.tests == 10 and counted.q == pytest.approx(min(1, 10 * row.p))


def test_shares_at_the_same_tokens_are_those_of_all_their_occurrences(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    made = reading(subject, store, sets, tmp_path)
    readers, tokens = made.features(busy), made.slice.tokens["token"]
    row = int(np.argmax(readers.open.level))
    firings = readers.open.at[row][: 16 * 2 ** int(readers.open.level[row])]
    weights = np.arange(len(firings), 0, -1) / np.arange(len(firings) + 1).sum()
    for column in range(0, len(made.columns), 7):
        inside = np.isin(made.slice.tokens[made.columns[column].where], made.set(column).ids)
        expected = sum(w * inside[tokens == tokens[at]].mean() for w, at in zip(weights, firings, strict=True))
        assert made.matched_shares(readers, row)[column] == pytest.approx(expected)


def test_a_hypothesis_that_fits_nothing_or_everything_is_refused(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    made = reading(subject, store, sets, tmp_path)
    for spec, message in (({"text": "no such words as these"}, "fits no token"), ({"position": [0, 500]}, "every")):
        with pytest.raises(UsageError, match=message):
            input_test_rows(made, busy, parse_input_spec(spec))


def test_what_a_set_has_beyond_a_larger_one_that_holds_it_is_nothing(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    both = TokenSet("both", "every", "", np.union1d(sets[0].ids, sets[1].ids), "", "")
    made = reading(subject, store, [*sets, both], tmp_path)
    readers = made.features(busy)
    names = [(made.set(c).name, made.columns[c].where) for c in range(len(made.columns))]
    inner, outer = names.index(("every.0", "token")), names.index(("both", "token"))
    assert made.p_without(readers, 0, inner, outer) == 1
    alone = names.index(("every.1", "token"))
    rest = made.places.marked(outer) & ~made.places.marked(inner)
    assert (rest == made.places.marked(alone)).all()
    assert 0 < made.p_without(readers, 0, outer, inner) <= 1


def test_a_set_that_rests_on_one_word_has_nothing_without_it(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    made = reading(subject, store, sets, tmp_path)
    readers, tokens = made.features(busy), made.slice.tokens["token"]
    for column in range(len(made.columns)):
        if made.columns[column].where != "token" or readers.open.level[0] < 0:
            continue
        marked = made.places.marked(column)
        weights = readers.open.weights(0, len(tokens)) * marked
        text = np.array([t.strip(" ").lower() or t for t in subject.vocabulary.text], object)[tokens]
        of_word = {word: weights[text == word].sum() for word in set(text[weights > 0])}
        top = max(of_word, key=lambda word: of_word[word], default=None)
        found = made.p_without_top_word(readers, 0, column)
        if len(of_word) <= 1:
            assert found == 1
        elif list(of_word.values()).count(of_word[top]) == 1:
            rest = marked & (text != top)
            one = readers.open.part(slice(0, 1))
            assert found == made._nulls["open"].marked_p_values(one, rest, 1024)[0]


def test_a_hypothesis_about_a_set_made_from_a_feature_is_no_evidence_about_it(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    made = reading(subject, store, sets, tmp_path)
    ids = sets[-1].ids.tolist()
    for spec in ({"token": "own"}, {"not": {"any": [{"previous": "own"}, {"position": 0}]}}, {"next": {"ids": ids}}):
        own, other = input_test_rows(made, busy[[0, 3]], parse_input_spec(spec))
        assert own.circular and own.p is None and own.q is None and own.holds is None and own.tests == 0
        assert not other.circular and (other.p is not None) == (other.firings > 0)
