from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from tsea.evals import speed, speed_cases, stopwatch
from tsea.evals.peers import blitz_gsea, decoupler_gsea, gseapy_prerank, sae_lens_tutorial
from tsea.evals.speed_cases import CASES, Case, Method
from tsea.evals.stopwatch import Measurement
from tsea.evals.workload import Prepare, Workload
from tsea.tools.statistics.enrichment import Power, SetIndex, enrichment_scores

SMALL = Workload(features=2, set_sizes=(15, 300, 8), tokens=600, width=16)


def _scores(workload: Workload, power: Power) -> np.ndarray:
    sets = SetIndex.from_positions(workload.sets(), workload.tokens)
    return enrichment_scores(workload.weights(), sets, power).score


def test_fewer_features_are_the_first_rows_of_the_same_dictionary() -> None:
    more = replace(SMALL, features=5)
    np.testing.assert_array_equal(SMALL.decoder(), more.decoder()[:2])
    np.testing.assert_array_equal(SMALL.unembedding(), more.unembedding())
    assert not np.array_equal(SMALL.decoder(), replace(SMALL, seed=1).decoder())


def test_synthetic_logit_weights_are_centred_and_heavy_tailed() -> None:
    weights = replace(SMALL, features=8, tokens=5000, width=64).weights().astype(np.float64)
    assert weights.shape == (8, 5000)
    np.testing.assert_allclose(weights.mean(axis=1), 0, atol=1e-5)
    kurtosis = (weights**4).mean(axis=1) / (weights**2).mean(axis=1) ** 2
    assert np.median(kurtosis) > 4  # 3 for normal weights


def test_sets_are_spread_evenly_over_sizes_on_a_log_scale() -> None:
    sizes = [one.size for one in SMALL.sets()]
    assert sizes == [15, 23, 35, 54, 83, 127, 196, 300]
    assert all(np.unique(one).size == one.size and one.min() >= 0 and one.max() < 600 for one in SMALL.sets())
    assert [len(members) for members in SMALL.named_sets().values()] == sizes


def _repeatable(calls: list[Workload]) -> Prepare:
    def prepare(workload: Workload) -> Callable[[], object]:
        def work() -> None:
            calls.append(workload)

        return work

    return prepare


def test_a_small_workload_runs_before_the_clock_and_short_work_is_repeated() -> None:
    calls: list[Workload] = []
    measured = stopwatch.measure(_repeatable(calls), SMALL)
    assert measured.repeats == stopwatch.MAX_REPEATS
    assert calls == [SMALL.small()] + [SMALL] * stopwatch.MAX_REPEATS
    assert measured.seconds > 0


def test_long_work_is_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopwatch, "ENOUGH_SECONDS", 1e-12)
    assert stopwatch.measure(_repeatable([]), SMALL).repeats == 1


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is measured on Linux only")
def test_peak_memory_is_what_the_work_adds_even_when_it_gives_it_back() -> None:
    peak_mb = stopwatch.measure_apart(_eighty_megabytes, SMALL).peak_mb
    assert peak_mb is not None and 75 < peak_mb < 160


def _eighty_megabytes(_workload: Workload) -> Callable[[], object]:
    held = np.ones(30_000_000)  # 240 MB that stood before
    return lambda: np.ones(10_000_000).sum() + held[0]


def test_peak_memory_is_unknown_where_the_kernel_does_not_count_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopwatch, "_CLEAR", Path("/nonexistent/clear_refs"))
    assert stopwatch.measure(_repeatable([]), SMALL).peak_mb is None


@pytest.mark.large
def test_cases_run_in_processes_of_their_own_and_a_failing_peer_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    case = Case(
        "tiny",
        SMALL,
        Method("tsea", speed_cases.unweighted_p_values),
        (Method("same on one feature", speed_cases.unweighted_scores, features=1), Method("broken", len)),  # type: ignore[arg-type]
    )
    heard: list[tuple[str, int, int]] = []
    report = speed.measure_speed([case], lambda *step: heard.append(step))
    ours, same, broken = report.rows
    assert ours.times_faster == 1 and ours.features == 2 and ours.seconds_per_feature
    assert same.features == 1 and same.seconds_per_feature and same.note == ""
    assert same.times_faster == pytest.approx(same.seconds_per_feature / ours.seconds_per_feature)
    assert broken.seconds_per_feature is broken.peak_mb is broken.times_faster is None
    assert broken.note == "failed: TypeError: object of type 'Workload' has no len()"
    assert heard == [("speed", 1, 3), ("speed", 2, 3), ("speed", 3, 3)]
    assert "OPENBLAS_NUM_THREADS" not in os.environ and os.environ["OMP_NUM_THREADS"] == "1"


def _measured_as(seconds: dict[Prepare, float]) -> Callable[[Prepare, Workload], Measurement]:
    return lambda prepare, workload: Measurement(seconds[prepare], 12.6, 3)


def test_times_faster_compares_times_per_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    def ours(workload: Workload) -> Callable[[], object]:
        return SMALL.sets

    def theirs(workload: Workload) -> Callable[[], object]:
        return SMALL.sets

    monkeypatch.setattr(speed, "measure_apart", _measured_as({ours: 0.5, theirs: 20.0}))
    case = Case("c", replace(SMALL, features=100), Method("tsea", ours), (Method("peer", theirs, 2, note="p=1"),))
    report = speed.measure_speed([case])
    assert [row.seconds_per_feature for row in report.rows] == [0.005, 10.0]
    assert [row.times_faster for row in report.rows] == [1.0, 2000.0]
    assert report.table().splitlines()[2:] == [
        "| c | tsea | 5 ms | 1 | 13 MB | 100 |  |",
        "| c | peer | 10 s | 2e+03 | 13 MB | 2 | p=1 |",
    ]


def test_a_peer_that_is_not_installed_gets_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "measure_apart", lambda prepare, workload: Measurement(1.0, None, 1))
    lacking = Method("peer", speed_cases.unweighted_scores, 1, package="no-such-distribution")
    report = speed.measure_speed([Case("c", SMALL, Method("tsea", speed_cases.unweighted_scores), (lacking,))])
    assert report.rows[1].note == "no-such-distribution is not installed: pip install 'tsea[bench]'"
    assert report.rows[1].times_faster is None
    assert report.table().splitlines()[-1].startswith("| c | peer | - | - | - | 1 | no-such-distribution is not")


def test_the_report_is_the_documented_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "measure_apart", lambda prepare, workload: Measurement(1.0, None, 1))
    report = json.loads(json.dumps(asdict(speed.measure_speed())))
    assert set(report) == {"machine", "rows"}
    assert report["machine"]["threads"] == 2 and report["machine"]["versions"]["numpy"] == np.__version__
    assert {"case", "method", "seconds_per_feature", "peak_mb", "times_faster"} <= set(report["rows"][0])
    assert [row["case"] for row in report["rows"] if row["method"] == "tsea"] == [case.name for case in CASES]


def test_cases_are_chosen_by_a_part_of_their_name() -> None:
    assert speed.select_cases() == list(CASES)
    assert [case.name for case in speed.select_cases(["2,000 sets"])] == ["ES p=0, 2,000 sets of 15 to 500"]


def test_a_case_on_fewer_features_says_so_in_its_name() -> None:
    (case,) = speed.select_cases(["2,000 sets"], features=3)
    assert case.name == "ES p=0, 2,000 sets of 15 to 500, first 3 of 256 features"
    assert [method.cut(case.workload).features for method in (case.ours, *case.peers)] == [3, 1]
    assert speed.select_cases(features=10**6) == list(CASES)


def test_our_cases_compute_exact_scores_and_p_values() -> None:
    scores, p = speed_cases.unweighted_scores(SMALL)(), speed_cases.unweighted_p_values(SMALL)()
    np.testing.assert_array_equal(scores, _scores(SMALL, 0))
    assert isinstance(p, np.ndarray) and p.shape == (2, 8) and (p > 0).all() and (p <= 1).all()


@pytest.mark.filterwarnings("ignore")
def test_sae_lens_computes_the_size_of_the_same_score(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))  # one of its imports makes folders there
    np.testing.assert_allclose(sae_lens_tutorial.prepare(SMALL)(), np.abs(_scores(SMALL, 0)), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_gseapy_computes_the_same_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gseapy_prerank, "PERMUTATIONS", 10)
    np.testing.assert_allclose(gseapy_prerank.prepare(SMALL)(), _scores(SMALL, 0), atol=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_blitzgsea_computes_the_same_weighted_score(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("blitzgsea", reason="needs the extra bench")
    monkeypatch.setattr(blitz_gsea, "PERMUTATIONS", 50)
    np.testing.assert_allclose(blitz_gsea.prepare(SMALL)(), _scores(SMALL, 1), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_decoupler_normalises_the_same_weighted_score(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("decoupler", reason="needs the extra bench")
    monkeypatch.setattr(decoupler_gsea, "PERMUTATIONS", 0)  # then it gives ES itself
    np.testing.assert_allclose(decoupler_gsea.prepare(SMALL)(), _scores(SMALL, 1), atol=1e-5)
