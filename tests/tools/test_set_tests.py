from __future__ import annotations

import json

import numpy as np
import pytest

from tsea.tools.errors import UsageError
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.inputs.spec import parse_input_spec
from tsea.tools.ledger import TestLedger
from tsea.tools.nulls import MASS
from tsea.tools.results import SetTestRow
from tsea.tools.set_tests import Earlier, set_tests
from tsea.tools.statistics.fdr import two_stage_q
from tsea.tools.storage.records import Records
from tsea.tools.workbench import Workbench
from tsea.tools.written_sets import READ_ROWS, WrittenSet

FEATURES = np.arange(40)
SUFFIX, OTHER = '{"suffix": "ing"}', '{"suffix": "ed"}'


def _rows(bench: Workbench, spec: str, **options: object) -> list[list[SetTestRow]]:
    return list(bench.test_set(FEATURES, spec, **options))  # type: ignore[arg-type]


def test_a_written_copy_of_a_library_set_gets_the_librarys_values_and_p(pocket_bench: Workbench) -> None:
    column = next(i for i, s in enumerate(pocket_bench.sets) if s.name == "suffix.ing")
    ids = pocket_bench.sets[column].ids.tolist()
    view = pocket_bench.views["open"]
    values = MASS.evaluate(view, pocket_bench.mass_weights(pocket_bench.subject.decoder[FEATURES]))
    p = pocket_bench.nulls("present")["open"].p_values(values)[:, :, column]
    for feature, rows in zip(FEATURES, _rows(pocket_bench, json.dumps({"ids": ids})), strict=True):
        assert {row.feature for row in rows} == {feature}
        for side, row in enumerate(r for r in rows if r.statistic == "mass"):
            assert row.value == pytest.approx(values[feature, side, column], abs=4e-3)
            if row.p is not None and row.p > 0.01:
                assert np.log10(row.p) == pytest.approx(np.log10(p[feature, side]), abs=0.12)


@pytest.mark.parametrize("null", ["present", "specific", "random"])
def test_q_is_two_stage_over_the_tests_of_the_call(pocket_bench: Workbench, null: str) -> None:
    rows = _rows(pocket_bench, SUFFIX, null=null)
    p = np.array([[np.nan if r.p is None else r.p for r in of_feature] for of_feature in rows])
    q = np.array([[np.nan if r.q is None else r.q for r in of_feature] for of_feature in rows])
    np.testing.assert_allclose(q, two_stage_q(p))
    assert {r.tests for of_feature in rows for r in of_feature} == {p.shape[1]}
    assert {r.null for of_feature in rows for r in of_feature} == {null}


def test_earlier_tests_of_a_feature_raise_its_q(pocket_bench: Workbench) -> None:
    written = WrittenSet(pocket_bench, SUFFIX)
    alone = set_tests(written, "present", FEATURES)
    fished = set_tests(written, "present", FEATURES, earlier={int(f): Earlier(1000) for f in FEATURES})
    assert (fished.tests == alone.tests + 1000).all()
    assert (fished.q >= alone.q - 1e-12).all() and (fished.q > alone.q).any()
    p = np.stack([one.p.p for one in alone.tested], axis=1).reshape(len(FEATURES), -1)
    padded = np.concatenate([p, np.ones((len(FEATURES), 1000))], axis=1)
    np.testing.assert_allclose(fished.q, two_stage_q(padded)[:, : p.shape[1]])


def test_a_run_counts_every_hypothesis_once_and_later_q_covers_it(pocket_bench: Workbench) -> None:
    with Records() as records:
        ledger = TestLedger(records, pocket_bench, "by hand")
        first = _rows(pocket_bench, SUFFIX, ledger=ledger)
        again = _rows(pocket_bench, SUFFIX, ledger=ledger)
        assert [[r.q for r in rows] for rows in again] == [[r.q for r in rows] for rows in first]
        second = _rows(pocket_bench, OTHER, ledger=ledger)
        assert {r.tests for rows in second for r in rows} == {20}
        (run,) = records.runs()
        assert sum(entry.n_tests for entry in records.ledger(run)) == 20 * len(FEATURES)
        # The same set under another null is another test.
        third = _rows(pocket_bench, OTHER, null="specific", ledger=ledger)
        assert {r.tests for rows in third for r in rows} == {30}


def test_a_run_about_another_subject_is_refused(pocket_bench: Workbench) -> None:
    with Records() as records:
        records.open_run("taken", "other", "another hash", {})
        with pytest.raises(UsageError, match="is about other, or about other tokens"):
            TestLedger(records, pocket_bench, "taken")


def test_a_set_given_another_one_has_both_partial_correlations_and_given_itself_is_refused(
    pocket_bench: Workbench,
) -> None:
    given = _rows(pocket_bench, SUFFIX, given=OTHER)
    statistics = [row.statistic for row in given[0]]
    assert statistics[-4:] == ["partial", "partial", "partial_reverse", "partial_reverse"]
    assert _rows(pocket_bench, SUFFIX, given=WrittenSet(pocket_bench, OTHER)) == given
    with pytest.raises(UsageError, match="same open tokens"):
        _rows(pocket_bench, SUFFIX, given=SUFFIX)
    with pytest.raises(UsageError, match="add --null present or specific"):
        _rows(pocket_bench, SUFFIX, given=OTHER, null="random")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ('{"words": ["qwertyuiop"]}', "0 of them open.*No single token: qwertyuiop"),
        ('{"regex": ".*"}', "at least 2 outside"),
        ('{"sufix": "ing"}', "suffix"),
        ("no.such.set", "No token set"),
        ("{", "JSON"),
    ],
)
def test_sets_that_cannot_be_tested_say_what_to_do(pocket_bench: Workbench, spec: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pocket_bench.test_set(FEATURES, spec)


def test_inflation_is_far_above_one_for_tokens_that_go_together(pocket_bench: Workbench) -> None:
    assert WrittenSet(pocket_bench, "suffix.ing").inflation > 2


def test_input_hypotheses_enter_a_runs_ledger_once_and_count_in_later_tests(
    pocket_bench: Workbench, pocket_reading: ReadingEnrichment
) -> None:
    features = np.arange(0, 64)
    first, second = (parse_input_spec({where: {"suffix": "e"}}) for where in ("token", "previous"))
    with Records() as records:
        ledger = TestLedger(records, pocket_bench, "inputs by hand")
        one = ledger.read(pocket_reading, features, first)
        again = ledger.read(pocket_reading, features, first)
        two = ledger.read(pocket_reading, features, second)
        entries = records.ledger(records.run("inputs by hand"))
        hits = records.hypotheses(records.run("inputs by hand"))
    tested = [row.feature for row in one if row.p is not None]
    assert len(tested) > 5 and again == one
    assert {(row.p is None, row.tests) for row in one} == {(True, 0), (False, 1)}
    assert {row.tests for row in two if row.feature in tested} == {2}
    assert len(entries) == 2 * len(tested) and all(entry.n_tests == 1 for entry in entries)
    assert {(h.feature, h.set_name) for h in hits} == {
        (row.feature, spec.to_json())
        for spec, rows in ((first, one), (second, two))
        for row in rows
        if row.p is not None and row.p <= 0.1
    }


def test_a_test_on_every_feature_reports_its_progress_and_stops_where_it_is_told_to(
    pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits for a test of the whole dictionary can cancel it between two blocks of features."""
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(pocket_bench, "progress", lambda *step: told.append(step))
    everything = np.arange(pocket_bench.subject.n_features)
    whole = list(pocket_bench.test_set(everything, SUFFIX))
    blocks = [done for what, done, _ in told if what == "rankings read"]
    assert np.diff(sorted(set(blocks))).tolist() == [READ_ROWS] * (len(everything) // READ_ROWS - 1)
    one_by_one = list(pocket_bench.test_set(everything[:3], SUFFIX))
    assert [[r.value for r in rows] for rows in one_by_one] == [[r.value for r in rows] for rows in whole[:3]]

    def stop(what: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    monkeypatch.setattr(pocket_bench, "progress", stop)
    with pytest.raises(KeyboardInterrupt):
        list(pocket_bench.test_set(everything, SUFFIX))
