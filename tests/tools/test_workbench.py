from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tsea.tools.directions import matched_directions
from tsea.tools.errors import UsageError
from tsea.tools.nulls import RANK_STATISTICS, RANKED
from tsea.tools.results import Side
from tsea.tools.statistics.directions import DirectionModel, NullName
from tsea.tools.statistics.enrichment import enrichment_scores
from tsea.tools.statistics.ks_null import log_p_one_sided
from tsea.tools.statistics.names import CLASSES
from tsea.tools.statistics.projection import standardise
from tsea.tools.token_sets.split import OPEN, token_split
from tsea.tools.workbench import Workbench

FEATURES = np.array([3, 700, 701])


def _open_ids(bench: Workbench) -> np.ndarray:
    universe = bench.subject.universe
    return universe[token_split(bench.subject.vocabulary)[universe] == OPEN]


def _row(bench: Workbench, feature: int) -> np.ndarray:
    """Logit weights over the universe by the definition, in float64."""
    return bench.subject.decoder[feature].astype(np.float64) @ bench.subject.unembedding.astype(np.float64)


def test_stats_are_moments_over_the_universe_and_tokens_from_the_open_part(pocket_bench: Workbench) -> None:
    universe, open_ids = pocket_bench.subject.universe, _open_ids(pocket_bench)
    for found, feature in zip(pocket_bench.stats(FEATURES), FEATURES, strict=True):
        weights = _row(pocket_bench, feature)
        assert found.feature == feature
        assert found.mean == pytest.approx(weights.mean(), abs=1e-5)
        assert found.std == pytest.approx(weights.std(), rel=1e-4)
        assert found.skewness == pytest.approx(stats.skew(weights), rel=1e-3, abs=1e-4)
        assert found.kurtosis == pytest.approx(stats.kurtosis(weights, fisher=False), rel=1e-3)
        assert found.feature_class in CLASSES
        by_id = dict(zip(universe.tolist(), weights, strict=True))
        ranked = sorted(open_ids.tolist(), key=lambda i: by_id[i])
        assert [t.id for t in found.top[:5]] == ranked[::-1][:5]
        assert [t.id for t in found.bottom[:5]] == ranked[:5]
        assert found.top[0].weight == pytest.approx(by_id[found.top[0].id], rel=1e-4)
        assert found.top[0].token == pocket_bench.subject.vocabulary.shown(found.top[0].id)


def test_enrichment_rows_cover_every_statistic_and_side_and_agree_with_the_kernel(pocket_bench: Workbench) -> None:
    per_feature = list(pocket_bench.enrich(FEATURES, "regex.*"))
    assert [rows[0].feature for rows in per_feature] == FEATURES.tolist()
    sets = [s for s in pocket_bench.sets if s.name.startswith("regex.")]
    rows = per_feature[0]
    assert len(rows) == len(sets) * 5 * 2
    open_ids = _open_ids(pocket_bench)
    members = np.flatnonzero(np.isin(open_ids, sets[0].ids))
    weights = _row(pocket_bench, 3)[np.isin(pocket_bench.subject.universe, open_ids)].astype(np.float32)
    index = type(pocket_bench.views["open"].sets).from_positions([members], len(open_ids))
    scores = enrichment_scores(weights[None], index, 0)
    es = next(r for r in rows if r.statistic == "es_p0" and r.side == "promoted" and r.set == sets[0].name)
    assert es.size == len(members)
    assert es.es_pos == pytest.approx(scores.positive[0, 0], abs=1e-6)
    assert es.es_neg == pytest.approx(scores.negative[0, 0], abs=1e-6)
    assert es.value is not None and es.value == es.es_pos
    ks = stats.ks_2samp(np.delete(weights, members), weights[members], alternative="greater", method="asymp")
    assert es.value == pytest.approx(ks.statistic, abs=1e-9)
    assert es.p_random == pytest.approx(np.exp(log_p_one_sided(es.value, es.size, len(open_ids))))
    mean = next(r for r in rows if r.statistic == "mean" and r.side == "suppressed" and r.set == sets[0].name)
    standard = (weights - weights.mean()) / weights.std()
    assert mean.value == pytest.approx(-standard[members].mean(), abs=1e-4)


def test_leading_edge_is_the_members_down_to_the_peak(pocket_bench: Workbench) -> None:
    rows = next(iter(pocket_bench.enrich(FEATURES[:1], "regex.*")))
    row = next(r for r in rows if r.statistic == "es_p0" and r.side == "promoted" and r.leading_edge)
    shown = {pocket_bench.subject.vocabulary.shown(int(i)): int(i) for i in pocket_bench.library[row.set].ids}
    ids = [shown[token] for token in row.leading_edge or []]
    by_id = dict(zip(pocket_bench.subject.universe.tolist(), _row(pocket_bench, 3), strict=True))
    open_members = set(_open_ids(pocket_bench).tolist()) & set(pocket_bench.library[row.set].ids.tolist())
    assert ids == sorted(open_members, key=lambda i: -by_id[i])[: len(ids)]


def test_q_covers_the_whole_library_whichever_sets_are_shown(pocket_bench: Workbench) -> None:
    few = next(iter(pocket_bench.enrich(FEATURES, "regex.all_caps")))
    many = {(r.set, r.statistic, r.side): r.q for r in next(iter(pocket_bench.enrich(FEATURES, "*")))}
    assert few and all(r.q == many[r.set, r.statistic, r.side] for r in few)


def test_effective_members_say_how_many_tokens_carry_a_mass(pocket_bench: Workbench) -> None:
    x = pocket_bench.mass_weights(pocket_bench.subject.decoder[[3]])[0].numpy()
    _, members = pocket_bench.ranking(3, "regex.all_caps")
    signs: dict[Side, int] = {"promoted": 1, "suppressed": -1}
    for side, sign in signs.items():
        e = np.exp(np.minimum(sign * x[members].astype(np.float64), 8))
        expected = e.sum() ** 2 / (e**2).sum()
        assert pocket_bench.effective_members(3, "regex.all_caps", side) == pytest.approx(expected, rel=1e-4)
        assert 1 <= expected <= len(members)


def test_unknown_and_untestable_sets_say_what_to_do(pocket_bench: Workbench) -> None:
    with pytest.raises(UsageError, match="all_caps"):
        pocket_bench.enrich(FEATURES, "regex.all_cap")
    untestable = next(s.name for s in pocket_bench.open_library.listed() if not s.testable)
    with pytest.raises(UsageError, match="testable"):
        pocket_bench.enrich(FEATURES, untestable)


@pytest.mark.parametrize("null", ["present", "specific"])
def test_direction_null_p_values_are_calibrated_on_directions_of_that_null(
    pocket_bench: Workbench, null: NullName
) -> None:
    if null == "present":
        directions = DirectionModel.isotropic(pocket_bench.subject.d_model).sample(2000, [99]).numpy()
    else:
        directions = matched_directions(pocket_bench.subject, 2000)
    view = pocket_bench.views["open"]
    p = pocket_bench.nulls(null)["open"].p_values(view.masses(pocket_bench.mass_weights(directions)))[:, :, :-1]
    assert p.min() > 0 and p.max() <= 1
    assert 0.04 <= (p <= 0.05).mean() <= 0.06
    weights = standardise(view.cut(pocket_bench.weights(directions)))
    ranked = pocket_bench.nulls(null, RANKED)["open"].p_values(RANKED.evaluate(view, weights))
    for p in np.split(ranked, len(RANK_STATISTICS), axis=2):
        assert 0.035 <= (p <= 0.05).mean() <= 0.065


def test_class_proportions_sum_to_one_and_random_directions_are_rarely_classed(pocket_bench: Workbench) -> None:
    found = pocket_bench.class_proportions()
    assert [c.feature_class for c in found] == list(CLASSES)
    assert sum(c.share for c in found) == pytest.approx(1)
    assert sum(c.features for c in found) == pocket_bench.subject.alive.sum()
    assert sum(c.random_share for c in found if c.feature_class != "unclassified") <= 0.05 + 1e-9


def test_selectors_reach_the_dictionary(pocket_bench: Workbench) -> None:
    top = pocket_bench.select("top:4:skewness")
    skewness = [s.skewness for s in pocket_bench.stats(np.arange(pocket_bench.subject.n_features)[:300])]
    best = next(iter(pocket_bench.stats(top[:1])))
    assert best.skewness is not None and best.skewness >= max(s for s in skewness if s is not None)
    assert len(pocket_bench.select("class:unclassified")) > 0


def test_frames_hold_the_same_rows_as_the_results(pocket_bench: Workbench) -> None:
    frame = pocket_bench.stats_frame("3,700")
    assert frame.feature.tolist() == [3, 700] and "class" in frame.columns
    rows = pocket_bench.enrich_frame("3", "regex.*")
    assert set(rows.statistic) == {"mass", "mean", "es_p0", "es_p1", "rank_sum"}


def test_a_hit_is_explained_by_a_stronger_overlapping_hit_of_the_same_side_only(pocket_bench: Workbench) -> None:
    rows = [row for of_feature in pocket_bench.enrich(np.arange(60)) for row in of_feature]
    by_name = {(row.feature, row.set, row.side): row for row in rows if row.statistic == "mass"}
    explained = [row for row in rows if row.explained_by is not None]
    assert explained
    for row in explained:
        better = by_name[row.feature, row.explained_by or "", row.side]
        assert row.statistic == "mass" and better.explained_by is None
        assert row.q is not None and row.q <= 0.05 and better.q is not None and better.q <= 0.05
        shared = np.intersect1d(pocket_bench.library[row.set].ids, pocket_bench.library[better.set].ids)
        assert len(shared) > 0


def test_inflation_is_how_far_set_means_of_directions_vary_beyond_independent_tokens(pocket_bench: Workbench) -> None:
    view = pocket_bench.views["open"]
    weights = view.cut(
        pocket_bench.weights(DirectionModel.isotropic(pocket_bench.subject.d_model).sample(4096, [3]).numpy())
    )
    rows = next(iter(pocket_bench.enrich(FEATURES[:1])))
    for column in (0, 30):
        found = next(row.inflation for row in rows if row.set == pocket_bench.sets[column].name)
        members = view.members(column)
        centred = weights - weights.mean(dim=1, keepdim=True)
        measured = centred[:, members].mean(dim=1).square().mean() / centred.square().mean() * len(members)
        assert found == pytest.approx(float(measured), rel=0.15)


def test_a_narrowed_subject_ranks_its_tokens_alone(pocket_bench: Workbench) -> None:
    subject = pocket_bench.subject
    kept = subject.universe[::3]
    narrow = subject.narrowed(np.append(kept, 10**9), "every third")
    assert np.array_equal(narrow.universe, kept)
    np.testing.assert_allclose(narrow.unembedding.mean(axis=1), 0, atol=1e-5)
    weights, expected = subject.decoder[3] @ narrow.unembedding, (subject.decoder[3] @ subject.unembedding)[::3]
    np.testing.assert_allclose(weights, expected - expected.mean(), atol=1e-4)
    assert narrow.hash != subject.hash and narrow.whitened.shape == narrow.unembedding.shape
    assert narrow.hash == subject.narrowed(kept, "the same by another name").hash
    with pytest.raises(UsageError, match="needs at least 100"):
        subject.narrowed(kept[:99], "ninety-nine")
