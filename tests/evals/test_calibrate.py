from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from tsea.evals import calibrate
from tsea.evals.calibrate import Calibration, Rates, measure_rates, rates
from tsea.evals.case_tests import RANDOM_SETS, mean_p, random_set_mass_p
from tsea.evals.cases import CLUSTER, EFFECT, Case, Scale, Trial, flipped_rows, plant, pocket_cases, synthetic
from tsea.evals.exactness import Effort, ReferenceValue, TailCheck, reference_values, tail_checks
from tsea.evals.power import AlternativePower, ConceptPower, power_by_alternative, power_by_prevalence
from tsea.tools import nulls
from tsea.tools.statistics.directions import DirectionModel, unit_rows
from tsea.tools.statistics.enrichment import SetIndex
from tsea.tools.storage.cache import ByteCache
from tsea.tools.views import View
from tsea.tools.workbench import Workbench

SMALL = Scale(tokens=1_200, width=48, features=600, layout=((1, 6), (4, 4), (10, 2)))


@pytest.fixture
def few_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nulls, "DIRECTIONS", {"mass": 4096, "ranked": 2048})


@pytest.fixture(scope="module")
def clustered() -> Case:
    return synthetic("clustered", 0.5, 0, SMALL)


def test_rates_count_what_is_known_and_leave_out_other_sets_of_planted_directions() -> None:
    trial = Trial(np.zeros((4, 3)), np.array([-1, -1, 0, 1]))
    p = np.array([[0.01, 0.5], [0.9, 0.04], [1e-6, 1e-4], [1e-4, 1e-5]])
    # six known tests: BH at 5 % finds 1e-6, 1e-5 and .01 (below .025), not .04 (above .033)
    assert rates("made", "mean", "random", p, trial) == Rates("made", "mean", "random", 0.5, 1 / 3, 1.0)


def test_where_nothing_is_found_no_discovery_is_false() -> None:
    trial = Trial(np.zeros((2, 3)), np.array([-1, 0]))
    assert rates("made", "mean", "random", np.full((2, 4), 0.9), trial) == Rates("made", "mean", "random", 0, 0, 0)


def test_columns_correlate_within_clusters_only_and_sets_are_disjoint_unions_of_them(clustered: Case) -> None:
    columns = clustered.unembedding.numpy().reshape(SMALL.width, -1, CLUSTER)
    first, second, elsewhere = columns[:, :, 0].ravel(), columns[:, :, 1].ravel(), np.roll(columns[:, :, 1], 1, axis=1)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.5, abs=0.05)
    assert np.corrcoef(first, elsewhere.ravel())[0, 1] == pytest.approx(0, abs=0.05)
    sets = clustered.view.sets
    assert list(sets.sizes) == [20] * 6 + [80] * 4 + [200] * 2
    assert np.unique(sets.members).size == sets.members.size
    for column in range(len(sets)):
        clusters, counts = np.unique(clustered.view.members(column) // CLUSTER, return_counts=True)
        assert set(counts) == {CLUSTER} and clusters.size == sets.sizes[column] // CLUSTER


def test_planting_raises_the_chosen_rows_by_the_stated_effect_and_no_others() -> None:
    rng = np.random.default_rng(1)
    rows, means = unit_rows(rng.normal(size=(300, 10))), rng.normal(size=(10, 4))
    covariance = np.diag(np.arange(1.0, 11))
    planted = np.where(np.arange(300) < 100, -1, rng.integers(4, size=300))
    step = plant(rows, planted, means, covariance, rng) - rows
    assert np.allclose(step[:100], 0, atol=1e-7)
    for column in range(4):
        axis = means[:, column] / np.linalg.norm(means[:, column])
        spread = np.sqrt(axis @ covariance @ axis / np.trace(covariance))
        effect = step[planted == column] @ axis / spread
        assert np.allclose(step[planted == column], np.outer(effect * spread, axis), atol=1e-6)
        assert EFFECT[0] - 1e-4 < effect.min() < effect.max() < EFFECT[1] + 1e-4


def test_flipped_rows_keep_the_mean_the_covariance_and_the_size_of_every_coordinate() -> None:
    rng = np.random.default_rng(2)
    decoder = rng.laplace(size=(20_000, 6)) @ rng.normal(size=(6, 6)) + 1
    flipped, model = flipped_rows(decoder, 0), DirectionModel.of_rows(decoder)
    assert np.allclose(flipped.mean(axis=0), model.mean, atol=0.01)
    assert np.allclose(np.cov(flipped.T), model.covariance, atol=0.01)
    _, axes = np.linalg.eigh(model.covariance)
    sizes = [np.abs((rows - model.mean) @ axes) for rows in (flipped, unit_rows(decoder))]
    assert np.allclose(sizes[0], sizes[1])
    assert not np.array_equal(flipped, flipped_rows(decoder, 1))


def test_the_random_set_p_of_the_mass_estimates_the_share_of_all_sets_that_reach_it() -> None:
    weights = torch.tensor([[3.0, 1.0, 0.5, 0.0, -0.2, -0.7, -1.1, -2.5]])
    view = View(np.arange(8), SetIndex.from_positions([np.array([0, 3]), np.array([4, 5])], 8))
    x = ((weights - weights.mean()) / weights.std(correction=0))[0].double().numpy()
    estimated = random_set_mass_p(view, weights)[0]
    for column, members in enumerate(([0, 3], [4, 5])):
        one_sided = []
        for sign in (1, -1):
            e = np.exp(sign * x)
            masses = np.array([e[list(pair)].sum() for pair in combinations(range(8), 2)])
            one_sided.append((masses >= e[members].sum() - 1e-9).mean())
        expected = min(1.0, 2 * min(one_sided))
        error = 2 * np.sqrt(expected / 2 / RANDOM_SETS)
        assert estimated[column] == pytest.approx(expected, abs=4 * error)


@pytest.mark.large
@pytest.mark.usefixtures("few_directions")
def test_on_clustered_tokens_direction_nulls_hold_their_level_and_random_sets_do_not(
    clustered: Case, tmp_path: Path
) -> None:
    with ByteCache(tmp_path / "cache") as cache:
        table = {(row.statistic, row.null): row for row in measure_rates([clustered], cache)}
    assert {statistic for statistic, _ in table} == {"mass", "mean", "rank_sum", "es_p0", "es_p1"}
    assert {null for _, null in table} == {"random", "present", "specific"}
    for (_, null), row in table.items():
        assert row.case == "clustered"
        if null == "random":
            assert row.type1_05 > 0.15 and row.fdp > 0.5
        else:
            assert 0.03 <= row.type1_05 <= 0.07 and row.fdp <= 0.1 and row.power > 0.3


def test_the_bundled_subject_gives_true_nulls_of_two_kinds(pocket_bench: Workbench) -> None:
    cases = pocket_cases(pocket_bench, 400, 0)
    assert [case.name for case in cases] == ["pocket", "pocket_flipped"]
    assert [sorted(case.trials) for case in cases] == [["present", "random", "specific"], ["random", "specific"]]
    for case in cases:
        assert len(case.view.tokens) == len(pocket_bench.views["open"].tokens)
        for null in ("present", "specific"):
            if null in case.trials:
                row = rates(case.name, "mean", null, mean_p(case, null), case.trials[null])
                assert 0.035 <= row.type1_05 <= 0.065 and row.power > 0.5


@pytest.mark.usefixtures("few_directions")
def test_a_concept_of_half_the_dictionary_is_present_but_not_specific(tmp_path: Path) -> None:
    with ByteCache(tmp_path / "cache") as cache:
        rows = power_by_prevalence(cache, Scale(tokens=1_000, width=64, features=800, layout=((5, 1),)))
    power = {(row.prevalence, row.statistic, row.null): row.power for row in rows}
    assert len(power) == 16
    assert power[0.01, "mean", "specific"] > 0.7 and power[0.5, "mean", "specific"] == 0
    assert min(power[share, "mean", "present"] for share in (0.01, 0.05, 0.2, 0.5)) > 0.7


@pytest.mark.large
def test_a_few_far_members_are_found_by_tail_statistics_and_a_shift_of_all_by_the_rank_sum() -> None:
    rows = power_by_alternative(tokens=4_000, trials=80)
    power = {(row.raised, row.statistic): row.power for row in rows}
    assert power["a twentieth, far", "mass"] > power["a twentieth, far", "rank_sum"] + 0.3
    assert power["all members", "rank_sum"] > power["all members", "mass"] + 0.3


def test_reference_values_are_met_to_the_digits_given() -> None:
    values = reference_values()
    assert len(values) == 11
    assert max(value.relative_error for value in values) < 7e-4


def test_splitting_follows_the_exact_tail_and_a_larger_run_to_1e_10() -> None:
    rows = tail_checks(tokens=2_000, sizes=(15,), large=Effort(runs=4, sets=512, seed=3))
    assert {row.weights for row in rows} == {"equal weights", "heavy-tailed weights"}
    assert min(row.believed for row in rows) < -9
    assert all(abs(row.splitting - row.believed) < 0.6 for row in rows)


def test_the_report_is_the_contract_as_json_and_one_table_a_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = Calibration(
        [Rates("clustered", "mass", "random", 0.25, 0.7, 0.97)],
        [ConceptPower(0.05, "mean", "specific", 0.61)],
        [AlternativePower("all members", "mass", 0.5)],
        [ReferenceValue("P(ES+ >= 0.5), k = 300", 9.776e-70, 9.7758e-70)],
        [TailCheck("equal weights", 15, -9.9, -9.8, -8.7)],
    )
    monkeypatch.setattr(calibrate, "calibrate", lambda progress: found)
    printed, table = calibrate.report().figures, calibrate.report().table
    assert set(printed["rows"][0]) == {"case", "statistic", "null", "type1_05", "fdp", "power"}
    for line in (
        "| clustered | mass | random | 0.250 | 0.700 | 0.97 |",
        "| 5% | mean | specific | 0.61 |",
        "| all members | mass | 0.50 |",
        "| P(ES+ >= 0.5), k = 300 | 9.776e-70 | 9.7758e-70 |",
        "| equal weights | 15 | -9.90 | -9.80 | -8.70 |",
    ):
        assert line in table
