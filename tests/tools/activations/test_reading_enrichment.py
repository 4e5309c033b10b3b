"""Token sets tested on what features of a subject fire on, over a small index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tsea.tools.activations.rows import padded
from tsea.tools.activations.store import ActivationStore
from tsea.tools.inputs import enrichment, null
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.storage.cache import ByteCache
from tsea.tools.subject import Subject
from tsea.tools.subject.reading import encoder_input, feature_activations, row_start
from tsea.tools.subject.text_rows import bundled_text
from tsea.tools.token_sets import TokenSet
from tsea.tools.token_sets.derivation import Derivation


def reading(subject: Subject, store: ActivationStore, sets: list[TokenSet], folder: Path) -> ReadingEnrichment:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enrichment, "SLICE_TOKENS", 3000)
        patch.setattr(enrichment, "DRAWS", 256)
        patch.setattr(null, "PILOT", 256)
        made = ReadingEnrichment(subject, store, sets, ByteCache(folder))
        made.rows(np.arange(2))  # builds the nulls
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
    found = reading(subject, store, sets, tmp_path).rows(busy)
    for feature, rows in zip(busy.tolist(), found, strict=True):
        assert {row.feature for row in rows} == {feature}
        assert {(row.set, row.where) for row in rows} <= {
            (s.name, where) for s in sets for where in ("token", "previous", "next")
        }
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
    own, other = reading(subject, store, sets, tmp_path).rows(busy[[0, 3]])
    circular = [row for row in own if row.set == "own"]
    assert circular and all(
        row.p is None and row.p_sets is None and row.q is None and row.holds is None for row in circular
    )
    assert all(row.p is not None for row in other if row.set == "own")


def test_a_feature_that_hardly_fires_is_not_tested(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], tmp_path: Path
) -> None:
    counts = [len(store.firings(f).positions) for f in range(subject.n_features)]
    (rows,) = reading(subject, store, sets, tmp_path).rows(np.array([int(np.argmin(counts))]))
    if min(counts) < null.LEVELS[0]:
        assert all(row.p is None and row.q is None and row.firings == 0 for row in rows)


def test_the_null_is_kept(
    subject: Subject, store: ActivationStore, sets: list[TokenSet], busy: np.ndarray, tmp_path: Path
) -> None:
    first = reading(subject, store, sets, tmp_path).rows(busy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enrichment, "reading_null", None)
        assert reading(subject, store, sets, tmp_path).rows(busy) == first
