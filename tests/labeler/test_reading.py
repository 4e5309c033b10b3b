"""Input claims: q of few kept rows, decoys at the run's thresholds, sets that others explain."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tsea.labeler import reading as module
from tsea.labeler.evidence import KEPT_P
from tsea.labeler.reading import ReadingEvidence, RunReading
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.statistics.fdr import two_stage_q_of_adjusted
from tsea.tools.statistics.reading import information

TABLES = npst.arrays(
    np.float64, st.tuples(st.integers(1, 8), st.integers(1, 6)), elements=st.floats(1e-6, 1) | st.just(np.nan)
)


def evidence_of(p: np.ndarray) -> ReadingEvidence:
    """Rows of the entries that are kept, everything else alike."""
    at = np.nonzero(p <= KEPT_P)
    ones = np.ones(len(at[0]))
    return ReadingEvidence(at[0], at[1], ones, ones, p[at], p[at], ones, np.asarray((~np.isnan(p)).any(axis=1)))


@given(TABLES)
def test_q_of_kept_rows_is_that_of_all_tests_up_to_where_rows_are_kept(p: np.ndarray) -> None:
    evidence = evidence_of(p)
    found = module._q(evidence)
    expected = two_stage_q_of_adjusted(p)[evidence.reader, evidence.column]
    small = np.minimum(found, expected) <= KEPT_P
    np.testing.assert_allclose(found[small], expected[small])


def test_decoys_are_judged_at_the_rate_at_which_the_run_selected(pocket_reading: ReadingEnrichment) -> None:
    run = RunReading.of(pocket_reading, np.arange(0, 4096, 8))
    decoys = run.decoys()
    selected = len(np.unique(run.evidence.reader[run.q <= 0.05]))
    np.testing.assert_allclose(decoys.q, np.minimum(1, decoys.evidence.p_any * run.evidence.tested.sum() / selected))
    assert len(decoys.readers) == 64 and decoys.readers.features is None
    # As many firings as features have: the same levels, over and over.
    assert decoys.readers.open.level.tolist() == run.readers.open.level[:64].tolist()


def test_a_set_is_claimed_once_however_often_it_was_tested(pocket_reading: ReadingEnrichment) -> None:
    run = RunReading.of(pocket_reading, np.arange(0, 4096, 8))
    claimed = 0
    for reader in range(512):
        claim = run.claim(reader)
        if claim is None:
            continue
        claimed += 1
        rows = np.array(claim.rows)
        assert len(rows) <= 3 and (run.q[rows] <= 0.05).all() and (run.evidence.confirm_p[rows] <= 0.05).all()
        assert claim.q == run.q[rows[0]] and (run.evidence.share[rows] >= 0.1).all()
        columns = run.evidence.column[rows]
        words = [pocket_reading.is_word(column) for column in columns.tolist()]
        assert words == sorted(words)  # sets of several words come first
        for group in (True, False):
            own = rows[np.array(words) == group]
            share, base = run.evidence.share[own], pocket_reading.places.base[run.evidence.column[own]]
            assert (np.diff(information(np.minimum(share, 1), base)) <= 1e-9).all()
        for column in columns[~np.array(words)].tolist():
            assert pocket_reading.p_without_top_word(run.readers, reader, column) <= 0.05
        for place, column in enumerate(columns.tolist()):
            for better in columns[:place].tolist():
                if pocket_reading.columns[column].where == pocket_reading.columns[better].where:
                    assert pocket_reading.p_without(run.readers, reader, column, better) <= 0.05
    assert claimed >= 5


def test_nothing_is_claimed_of_what_does_not_hold_on_confirm_documents(pocket_reading: ReadingEnrichment) -> None:
    run = RunReading.of(pocket_reading, np.arange(0, 4096, 8))
    for fails in (np.ones(len(run.q)), np.full(len(run.q), np.nan)):
        failed = dataclasses.replace(run, evidence=dataclasses.replace(run.evidence, confirm_p=fails))
        assert all(failed.claim(reader) is None for reader in range(512))
