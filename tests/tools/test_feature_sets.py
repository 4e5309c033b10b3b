from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tsea.tools.feature_sets import FeatureSets, feature_ranking, sets_of_classes, sets_of_hits
from tsea.tools.statistics.classes import LOCAL, UNCLASSIFIED
from tsea.tools.storage.cache import ByteCache
from tsea.tools.subject import Subject, open_subject
from tsea.tools.token_sets.library import TokenSet

DEAD, LONER = 7, 30


def _set(name: str, features: list[int]) -> TokenSet:
    return TokenSet(name, "made", "", np.array(features, dtype=np.int64), "", "")


CLUSTER, SCATTERED = _set("made.cluster", list(range(20))), _set("made.scattered", list(range(100, 400, 15)))
CENTRED_ON_LONER = _set("made.loner", [LONER, *range(200, 210)])


@pytest.fixture(scope="module")
def subject() -> Subject:
    """400 directions: the first 20 around one centre, the rest anywhere; one of them dead."""
    generator = np.random.default_rng(0)
    pocket = open_subject("pocket")
    decoder = generator.normal(size=(400, pocket.d_model)).astype(np.float32)
    decoder[:20] += 1.5 * generator.normal(size=pocket.d_model).astype(np.float32)
    decoder *= generator.uniform(0.5, 2, size=(400, 1)).astype(np.float32)
    decoder[DEAD] = 0
    return dataclasses.replace(pocket, decoder=decoder, alive=decoder.any(axis=1), hash="made")


@pytest.fixture(scope="module")
def feature_sets(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> FeatureSets:
    cache = ByteCache(tmp_path_factory.mktemp("cache"))
    return FeatureSets(subject, [CLUSTER, SCATTERED, CENTRED_ON_LONER, _set("made.few", [1, 2])], cache)


def _cosines(subject: Subject, feature: int) -> np.ndarray:
    rows = subject.decoder.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return rows @ rows[feature] / (norms * norms[feature])


def test_logit_weights_of_the_feature_subject_are_cosines_among_live_features(subject: Subject) -> None:
    ranking = feature_ranking(subject)
    live = [feature for feature in range(400) if feature != DEAD]
    assert ranking.universe.tolist() == live
    expected = _cosines(subject, 3)[live]
    np.testing.assert_allclose(ranking.decoder[3] @ ranking.unembedding, expected - expected.mean(), atol=1e-5)
    assert ranking.vocabulary.text[12] == "feature 12"
    assert ranking.hash != subject.hash


def test_the_nearest_features_come_by_cosine_without_the_feature_itself(
    subject: Subject, feature_sets: FeatureSets
) -> None:
    cosines = _cosines(subject, 3)
    cosines[[3, DEAD]] = -2
    expected = np.argsort(-cosines)[:5]
    found = feature_sets.nearest(3, count=5)
    assert [feature for feature, _ in found] == expected.tolist()
    np.testing.assert_allclose([cosine for _, cosine in found], cosines[expected], atol=1e-5)


def test_sets_too_small_to_test_are_left_out(feature_sets: FeatureSets) -> None:
    assert [one.name for one in feature_sets.sets] == ["made.cluster", "made.scattered", "made.loner"]


def test_a_feature_finds_its_own_cluster_and_no_scattered_set(feature_sets: FeatureSets) -> None:
    found = feature_sets.test(np.array([3, LONER]))
    for p in (found.p["present"].p, found.p["specific"].p, found.ranked.p_random["es_p0"].p):
        assert p[0, 0, 0] < 1e-3
        assert p[0, 1, 0] > 0.5
        assert (p[:, :, 1] > 1e-3).all()
        assert p[1, 0, 0] > 1e-3


def test_a_feature_never_ranks_itself(subject: Subject, feature_sets: FeatureSets) -> None:
    found = feature_sets.test(np.array([LONER]))
    assert found.ranked.ranked.tolist() == [398]  # of 399 live features
    assert found.ranked.sizes.tolist() == [[19, 20, 10]]  # 20 less the dead one, and 11 less itself
    assert found.p["present"].p[0, 0, 2] > 0.01  # its own cosine of 1 would make any set of 11 its own
    others = [feature for feature in range(400) if feature not in (LONER, DEAD)]
    cosines = _cosines(subject, LONER)[others]
    x = np.exp(np.minimum((cosines - cosines.mean()) / cosines.std(), 8))
    inside = np.isin(others, CENTRED_ON_LONER.ids)
    np.testing.assert_allclose(found.mass[0, 0, 2], np.log(x[inside].mean() / x.mean()), rtol=1e-4)


def test_sets_of_hits_hold_the_features_that_pass_benjamini_hochberg_for_each_set() -> None:
    p = np.ones((100, 2, 2))
    p[:3, 0, 0] = [1e-5, 1e-4, 0.04]  # the third would need .0015
    p[4, 1, 1] = 1e-6
    p[5] = np.nan
    found = {one.name: one.ids.tolist() for one in sets_of_hits(p, ["a.x", "b.y"])}
    assert found == {"promotes.a.x": [0, 1], "promotes.b.y": [], "suppresses.a.x": [], "suppresses.b.y": [4]}
    assert sets_of_hits(p, ["a.x", "b.y"])[0].family == "promotes"


def test_sets_of_classes_hold_live_features_only() -> None:
    codes = np.array([LOCAL, LOCAL, UNCLASSIFIED, LOCAL])
    found = {one.name: one.ids.tolist() for one in sets_of_classes(codes, np.array([True, False, True, True]))}
    assert found["class.local_context"] == [0, 3]
    assert found["class.unclassified"] == [2]
    assert found["class.partition"] == []


def test_cosines_need_no_model(subject: Subject) -> None:
    def fail() -> None:
        raise AssertionError("loaded the model")

    ranking = feature_ranking(dataclasses.replace(subject, _load_model=fail))
    assert torch.from_numpy(ranking.unembedding).shape == (subject.d_model, 399)
