from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tsea.labeler.batch import label_features
from tsea.tools.errors import UsageError
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.inputs.rows import input_test_rows
from tsea.tools.inputs.spec import parse_input_spec
from tsea.tools.statistics.names import CLASSES
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label, Run
from tsea.tools.workbench import Workbench

FEATURES = np.arange(0, 4096, 8)

# The same run as `finished`, in a process of its own that can be killed.
SCRIPT = """
import sys
import numpy as np
from tsea.labeler import batch
from tsea.tools.libraries import library_of
from tsea.tools.statistics import projection
from tsea.tools.storage.cache import ByteCache
from tsea.tools.storage.records import Records
from tsea.tools.subject import open_subject
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.workbench import Workbench

projection.BLOCK_ELEMENTS = 2**19
cache = ByteCache(__import__("pathlib").Path(sys.argv[1]))
subject = open_subject("pocket")
library, _ = library_of(subject.vocabulary, cache)
few = [s for family in ("regex", "pos", "suffix") for s in library.select(f"{family}.*")]
bench = Workbench(subject, TokenSetLibrary(few, subject.vocabulary.hash), cache=cache)
print("ready", flush=True)
with Records() as records:
    batch.label_features(bench, records, np.arange(0, 4096, 8), run_name="killed")
"""


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 features a block, so that a run of 512 has eight."""
    monkeypatch.setattr("tsea.tools.statistics.projection.BLOCK_ELEMENTS", 2**19)


def _labelled(bench: Workbench, records: Records, name: str = "first") -> tuple[Run, list[Label]]:
    run = label_features(bench, records, FEATURES, run_name=name)
    return run, records.labels(run)


@pytest.mark.usefixtures("small_blocks")
def test_a_run_gives_every_feature_one_final_label_with_what_the_contract_asks(pocket_bench: Workbench) -> None:
    with Records() as records:
        run, labels = _labelled(pocket_bench, records)
        ledger, hits = records.ledger(run), records.hypotheses(run)
    assert [label.feature for label in labels] == FEATURES.tolist()
    assert run.finished is not None and run.summary is not None
    claimed = [label for label in labels if label.status == "labelled"]
    assert claimed and len(claimed) + sum(label.status == "no_claim" for label in labels) == len(FEATURES)
    for label in labels:
        assert label.kind in CLASSES and label.text.endswith(".")
        assert (label.claim == "none") == (label.status == "no_claim")
    for label in claimed:
        assert label.q is not None and 0 < label.q <= 0.05
        if any("library" in hypothesis["spec"] for hypothesis in label.hypotheses):
            assert label.confidence is not None and 0 < label.confidence < 1
        assert label.refute.startswith("Refuted by")
        for hypothesis in label.hypotheses:
            assert hypothesis["side"] == "output" and hypothesis["direction"] in ("promotes", "suppresses")
            assert 0 < hypothesis["p_present"] <= 0.05 and hypothesis["q"] <= 0.05
            assert hypothesis["holds"] is (True if "library" in hypothesis["spec"] else None)
    assert {entry.n_tests for entry in ledger} == {2 * len(pocket_bench.sets) + 1}
    assert len(ledger) == len(FEATURES)
    assert hits and all(hit.q is not None and hit.q <= 0.1 for hit in hits)
    assert run.summary["labelled"] == len(claimed)
    assert 0 <= run.summary["decoy_claims"] < run.summary["labelled"] / len(FEATURES)


@pytest.mark.usefixtures("small_blocks")
def test_a_finished_run_is_not_done_again_and_another_set_of_features_is_refused(pocket_bench: Workbench) -> None:
    with Records() as records:
        run, labels = _labelled(pocket_bench, records)
        again, same = _labelled(pocket_bench, records)
        assert again.id == run.id and [label.id for label in same] == [label.id for label in labels]
        with pytest.raises(UsageError, match="features was"):
            label_features(pocket_bench, records, FEATURES[:5], run_name="first")


@pytest.mark.usefixtures("small_blocks")
def test_with_an_index_labels_say_what_features_fire_on(
    pocket_bench: Workbench, pocket_reading: ReadingEnrichment
) -> None:
    with Records() as records:
        plain = {label.feature: label for label in _labelled(pocket_bench, records)[1]}
        run = label_features(pocket_bench, records, FEATURES, reading=pocket_reading, run_name="inputs")
        labels, ledger, hits = records.labels(run), records.ledger(run), records.hypotheses(run)
        with pytest.raises(UsageError, match="index was"):
            label_features(pocket_bench, records, FEATURES, run_name="inputs")
    assert [label.feature for label in labels] == FEATURES.tolist() and run.summary is not None
    inputs = {label.feature: [h for h in label.hypotheses if h["side"] == "input"] for label in labels}
    found = [feature for feature, written in inputs.items() if written]
    assert len(found) >= 5 and run.summary["input_claims"] == len(found) / len(labels)
    assert run.summary["decoy_input_claims"] <= 0.05
    for label in labels:
        before, written = plain[label.feature], inputs[label.feature]
        output = [h for h in label.hypotheses if h["side"] == "output"]
        assert [h["spec"] for h in output] == [h["spec"] for h in before.hypotheses]
        assert all((h["echo"] is None) == (h["base"] is None) for h in output)
        assert all(h["echo"] is None or 0 <= h["echo"] <= 1 for h in output)
        assert (label.status == "labelled") == bool(output or written)
        assert label.text.startswith(before.text.removesuffix(".")) or before.status == "no_claim"
        assert not written or (label.claim == "specific" and "ires " in label.text and "held-out" in label.refute)
        assert not written or (label.confidence is not None and label.q is not None and label.q <= 0.05)
        for hypothesis in written:
            assert hypothesis["direction"] == "fires" and hypothesis["holds"] is True
            assert hypothesis["q"] <= 0.05 and hypothesis["p_present"] is None
            (row,) = input_test_rows(pocket_reading, np.array([label.feature]), parse_input_spec(hypothesis["spec"]))
            assert row.share == pytest.approx(hypothesis["effect"], abs=1e-6) and row.holds
            assert row.base == pytest.approx(hypothesis["base"], rel=0.05) and hypothesis["effect"] > row.base
    tested = [entry for entry in ledger if entry.library_hash.endswith(":reading")]
    assert {entry.n_tests for entry in tested} == {len(pocket_reading.columns)}
    assert {entry.feature for entry in tested} >= set(found) and len(tested) < len(FEATURES)
    counted = [hit for hit in hits if hit.statistic == "reading share"]
    assert {hit.feature for hit in counted} >= set(found) and all((hit.q or 1) <= 0.1 for hit in counted)


@pytest.mark.large
@pytest.mark.usefixtures("small_blocks")
def test_a_run_killed_at_any_moment_ends_as_an_uninterrupted_one(
    pocket_bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pocket_bench.nulls("present") and pocket_bench.nulls("specific") and pocket_bench.shapes.thresholds
    rng = random.Random(0)
    for delay in (rng.uniform(0.0, 1.5), rng.uniform(0.0, 3.0), None):
        command = [sys.executable, "-c", SCRIPT, str(pocket_bench.cache.folder)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", process.stderr.read() if process.stderr else ""
        if delay is not None:
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
        _, errors = process.communicate()
        assert delay is not None or process.returncode == 0, errors
    with Records() as records:
        resumed = records.labels(records.run("killed"))
        _, whole = _labelled(pocket_bench, records, "whole")
    assert [label.feature for label in resumed] == FEATURES.tolist()
    for one, other in zip(resumed, whole, strict=True):
        assert (one.text, one.status, one.claim, one.kind) == (other.text, other.status, other.claim, other.kind)
        for value, expected in ((one.q, other.q), (one.confidence, other.confidence)):
            # A label without a claim has no confidence: None, which `approx` does not take.
            assert value == (expected if expected is None else pytest.approx(expected, rel=0.02, abs=1e-6))
        for left, right in zip(one.hypotheses, other.hypotheses, strict=True):
            assert left["spec"] == right["spec"] and left["direction"] == right["direction"]
            assert left["effect"] == pytest.approx(right["effect"], abs=1e-6)
            # Rounding may carry a value past one of 20,480 reference directions.
            for number in ("p_present", "p_specific", "q"):
                assert left[number] == pytest.approx(right[number], rel=0.02, abs=1e-6)
