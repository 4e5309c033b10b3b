"""Whole runs by a played language model: final labels, what they cost, resuming, and what stops a run."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fake_llm
import pytest
from fake_llm import Status, storm
from players import feature_of, investigation, one_shot

from tsea.labeler.agent.holders import new_holder, release_dead
from tsea.labeler.agent.runner import RunStoppedError
from tsea.labeler.agent.transcripts import as_markdown, read_transcript
from tsea.labeler.llm.errors import UnknownModelError
from tsea.labeler.llm.spending import Budget, BudgetError
from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label, Run
from tsea.tools.workbench import Workbench

Labelled = Callable[..., Run]
FEATURES = [24, 3, 700, 1500]


def final(records: Records, run: Run) -> list[Label]:
    return [label for label in records.labels(run) if label.batch_key is not None]


def test_an_investigation_ends_with_a_tested_label_and_is_kept(
    labelled: Labelled, records: Records, pocket_bench: Workbench
) -> None:
    with fake_llm.serve(investigation) as llm:
        run = labelled(llm, FEATURES)
        count = llm.completed()
    labels = final(records, run)
    assert [label.feature for label in labels] == sorted(FEATURES)
    assert {label.status for label in labels} <= {"labelled", "no_claim"}
    assert all(len(label.hypotheses) == 1 and label.hypotheses[0]["q"] is not None for label in labels)
    assert all(label.provenance["model"] == fake_llm.MODEL for label in labels)
    tests = Counter({feature: 0 for feature in FEATURES})
    for entry in records.ledger(run):
        tests[entry.feature] += entry.n_tests
    # The library was looked at, and sets were tested on both sides.
    assert set(tests) == set(FEATURES) and min(tests.values()) > 2 * len(pocket_bench.sets)
    assert run.finished is not None and run.summary is not None
    assert run.summary["requests"] == count.replies == 3 * len(FEATURES)
    assert (run.summary["prompt_tokens"], run.summary["completion_tokens"]) == (count.prompt, count.completion)
    talk = read_transcript(run, 24)
    assert [m["role"] for m in talk] == [
        "system",
        "user",
        "assistant",
        "tool",
        "assistant",
        "tool",
        "tool",
        "assistant",
    ]
    assert "**submit_label**" in as_markdown(talk) and "p_present" in as_markdown(talk)
    with pytest.raises(UsageError, match="no transcript of feature 5"):
        read_transcript(run, 5)


def test_a_run_that_is_repeated_asks_nothing_and_another_configuration_is_refused(
    labelled: Labelled, records: Records
) -> None:
    with fake_llm.serve(one_shot) as llm:
        first = labelled(llm, FEATURES, labeler="one-shot-enrichment")
        asked = len(llm.seen)
        again = labelled(llm, FEATURES, labeler="one-shot-enrichment")
        assert len(llm.seen) == asked == len(FEATURES)
        assert [label.id for label in final(records, again)] == [label.id for label in final(records, first)]
        with pytest.raises(UsageError, match="labeler was one-shot-enrichment and is now best-of-k"):
            labelled(llm, FEATURES, labeler="best-of-k")


def test_what_one_investigation_sees_depends_on_no_other(labelled: Labelled, records: Records, tmp_path: Path) -> None:
    """Alone and among others a feature gets the same label, tests and conversation, word for word."""

    def told(kept: Records, run: Run) -> tuple[object, ...]:
        label = next(label for label in final(kept, run) if label.feature == 700)
        ledger = sorted((entry.library_hash, entry.n_tests) for entry in kept.ledger(run, [700]))
        return label.text, label.hypotheses, label.q, label.claim, ledger

    with fake_llm.serve(investigation) as llm, Records(f"sqlite:///{tmp_path}/alone.db") as others:
        together = labelled(llm, FEATURES)
        asked = len(llm.seen)
        alone = labelled(llm, [700], records=others)
        assert len(llm.seen) == asked  # every reply was paid for already
        assert told(records, together) == told(others, alone)


def test_through_a_storm_every_feature_gets_one_final_label_and_the_ledger_is_the_servers(
    labelled: Labelled, records: Records
) -> None:
    features = list(range(24))
    with fake_llm.serve(one_shot, faults=storm(3)) as llm:
        run = labelled(llm, features, labeler="one-shot-weights", concurrency=8)
        count = llm.completed()
    assert [label.feature for label in final(records, run)] == features
    paid = records.spent(run).total("paid")
    assert (paid.requests, paid.prompt_tokens, paid.completion_tokens) == (
        count.replies,
        count.prompt,
        count.completion,
    )
    assert records.spent(run).total("estimated").requests > 0


def test_a_budget_stops_a_run_cleanly_and_a_larger_one_goes_on(labelled: Labelled, records: Records) -> None:
    with fake_llm.serve(one_shot) as llm:
        labelled(llm, [2000], "to see what a feature costs", labeler="one-shot-weights")
        each = llm.completed().prompt + llm.completed().completion
        bound = Budget(max_tokens=2048 + int(2.5 * each))  # the next reply may be 2048 tokens long
        with pytest.raises(BudgetError, match="The run's budget"):
            labelled(llm, FEATURES, labeler="one-shot-weights", per_run=bound, concurrency=1)
        done = len(final(records, records.run("run")))
        spent = records.spent(records.run("run")).total("paid")
        assert 0 < done < len(FEATURES)
        assert bound.max_tokens is not None and spent.prompt_tokens + spent.completion_tokens <= bound.max_tokens
        run = labelled(llm, FEATURES, labeler="one-shot-weights")
        assert len(llm.seen) == 1 + len(FEATURES)
    assert len(final(records, run)) == len(FEATURES)


def test_failed_features_are_labelled_again_on_request_and_stay_on_record(labelled: Labelled, records: Records) -> None:
    def play(request: dict) -> fake_llm.Says:  # type: ignore[type-arg]
        return fake_llm.Says(refusal="I would rather not.") if feature_of(request) == 3 else one_shot(request)

    with fake_llm.serve(play) as llm:
        run = labelled(llm, FEATURES, labeler="one-shot")
        assert [(label.feature, label.reason) for label in final(records, run) if label.status == "failed"] == [
            (3, "refused")
        ]
        assert run.summary is not None and run.summary["reasons"] == {"refused": 1}
        llm.play = one_shot
        again = labelled(llm, FEATURES, labeler="one-shot", retry_failed=True)
    assert {label.status for label in final(records, again)} <= {"labelled", "no_claim"}
    assert [label.feature for label in records.labels(again) if label.status == "failed"] == [3]


def test_a_model_that_the_server_does_not_know_ends_the_run_without_failures(
    labelled: Labelled, records: Records
) -> None:
    missing = Status(404, {"error": {"message": "The model does not exist", "code": "model_not_found"}})
    with fake_llm.serve(one_shot, faults=lambda number: missing) as llm:
        with pytest.raises(UnknownModelError):
            labelled(llm, FEATURES, labeler="one-shot")
        assert final(records, records.run("run")) == []
        llm.faults = {}
        assert len(final(records, labelled(llm, FEATURES, labeler="one-shot"))) == len(FEATURES)


def test_a_server_that_is_gone_stops_the_run_before_all_features_failed(labelled: Labelled, records: Records) -> None:
    features = list(range(40))
    with fake_llm.serve(one_shot, faults=lambda number: Status(500)) as llm:
        with pytest.raises(RunStoppedError, match="--retry failed"):
            labelled(llm, features, labeler="one-shot", concurrency=2)
        failed = final(records, records.run("run"))
        assert 8 <= len(failed) < 20 and {label.status for label in failed} == {"failed"}
        llm.faults = {}
        run = labelled(llm, features, labeler="one-shot", retry_failed=True)
    assert len(final(records, run)) == 40 and not any(label.status == "failed" for label in final(records, run))


def test_what_a_dead_process_held_is_free_at_once_and_what_lives_or_is_elsewhere_keeps_it(records: Records) -> None:
    run = records.open_run("run", "pocket", "hash", {})
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    mine = new_holder()
    host = mine.split(":")[0]
    held = {f"{host}:{ended.pid}:00aa": [1], mine: [2], f"elsewhere:{ended.pid}:00bb": [3], "a-name": [4]}
    for holder, features in held.items():
        assert records.lease(run, features, holder, 1, 60.0) == features
    release_dead(records, run)
    assert sorted(records.holders(run)) == sorted(set(held) - {f"{host}:{ended.pid}:00aa"})
    assert records.lease(run, [1, 2, 3, 4], "next", 4, 60.0) == [1]
