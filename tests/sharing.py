"""What holds of records that several workers share, on every kind of database.

The modules that import these tests say which by their fixture `url`: that of a new database.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from tsea.tools.storage.records import Records
from tsea.tools.storage.spending import Total
from tsea.tools.storage.tables import Label, Run, Spending, Status

FEATURES = range(500)
# A process with four workers. Each takes seven features at a time until there are none, and prints what it had.
WORKERS = """
import json, sys, uuid
from concurrent.futures import ThreadPoolExecutor
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label, LedgerEntry, Spending

records = Records(sys.argv[1])
run = records.run("shared")
had = []

def work():
    holder = uuid.uuid4().hex
    while taken := records.lease(run, range(500), holder, 7, 600):
        had.extend(taken)
        if "label" in sys.argv:
            for feature in taken:
                request = Spending(feature=feature, model="m", request_hash=f"{feature}", kind="paid",
                                   prompt_tokens=100, cached_tokens=60, completion_tokens=feature, cost=0.25)
                records.spend(run, [request])
            labels = [Label(feature=f, status="labelled", text=holder, kind="k", claim="none") for f in taken]
            records.write_block(run, labels, [LedgerEntry(feature=f, library_hash="l", n_tests=1) for f in taken])
            records.release(run, holder)

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(4) as pool:
    for worker in [pool.submit(work) for _ in range(4)]:
        worker.result()
records.close()
print(json.dumps(had))
"""


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    with Records(url) as opened:
        yield opened


@pytest.fixture
def run(records: Records) -> Run:
    return records.open_run("shared", "pocket", "hash", {})


def at_once(script: str, *arguments: str, processes: int = 2) -> list[str]:
    """What processes print that run the script and start together: each says "ready" and waits for a line."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for process in started:
        assert process.stdout is not None
        process.stdout.readline()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0] * processes, "".join(errors for _, errors in told)
    return [output for output, _ in told]


def _label(feature: int, status: Status = "labelled", text: str = "") -> Label:
    return Label(feature=feature, status=status, text=text, kind="prediction", claim="none")


def test_each_feature_is_leased_once_by_workers_of_two_processes(records: Records, run: Run, url: str) -> None:
    had = [json.loads(output) for output in at_once(WORKERS, url)]
    assert Counter(had[0] + had[1]) == Counter(FEATURES)
    assert records.lease(run, FEATURES, "late", 1, 600) == []


def test_two_runners_label_one_run_without_double_work_or_lost_rows(records: Records, run: Run, url: str) -> None:
    had = [json.loads(output) for output in at_once(WORKERS, url, "label")]
    assert Counter(had[0] + had[1]) == Counter(FEATURES)
    assert [label.feature for label in records.labels(run)] == list(FEATURES)
    assert [entry.feature for entry in records.ledger(run)] == list(FEATURES)
    spent = records.spent(run)
    assert {feature: totals["paid"].requests for feature, totals in spent.by_feature.items()} == dict.fromkeys(
        FEATURES, 1
    )
    assert spent.total("paid") == Total(500, 50_000, 30_000, 499 * 250, 125.0, 0)


def test_features_are_leased_in_their_order_and_to_one_holder_at_a_time(records: Records, run: Run) -> None:
    assert records.lease(run, [5, 3, 9, 3], "one", 2, 600) == [5, 3]
    assert records.lease(run, [5, 3, 9], "two", 2, 600) == [9]
    assert records.lease(run, [5, 3, 9], "one", 2, 600) == []
    other = records.open_run("other", "pocket", "hash", {})
    assert records.lease(other, [5, 3, 9], "two", 5, 600) == [5, 3, 9]


def test_released_leases_are_given_to_others(records: Records, run: Run) -> None:
    records.lease(run, range(4), "one", 2, 600)
    records.lease(run, range(4), "two", 1, 600)
    records.release(run, "one")
    assert records.lease(run, range(4), "three", 9, 600) == [0, 1, 3]


def test_what_has_its_final_label_is_not_leased(records: Records, run: Run) -> None:
    records.write_block(run, [_label(0), _label(1, "no_claim"), _label(2, "failed")])
    records.submit(run, _label(3))
    assert records.lease(run, range(5), "one", 9, 600) == [3, 4]
    records.write_block(run, [_label(3)])
    records.release(run, "one")
    assert records.lease(run, range(5), "two", 9, 600) == [4]


def test_leases_of_a_dead_worker_expire_and_its_late_labels_come_second(records: Records, run: Run) -> None:
    assert records.lease(run, range(3), "dead", 2, 0) == [0, 1]
    assert records.lease(run, range(3), "alive", 1, 600) == [0]
    records.write_block(run, [_label(0, text="alive")])
    records.write_block(run, [_label(0, text="dead"), _label(1, text="dead")])
    assert [(label.feature, label.text) for label in records.labels(run)] == [(0, "alive"), (1, "dead")]


def test_a_worker_learns_which_leases_are_still_its_own(records: Records, run: Run) -> None:
    records.lease(run, range(3), "slow", 3, 0)
    assert records.extend(run, "slow", 0) == [0, 1, 2]
    records.lease(run, [1], "other", 1, 600)
    records.lease(run, [7], "slow", 1, 600)
    assert records.extend(run, "slow", 600) == [7]
    assert records.lease(run, [0, 7], "third", 9, 600) == [0]


def test_spending_is_added_up_by_feature_and_kind(records: Records, run: Run) -> None:
    def request(feature: int, **fields: object) -> Spending:
        given = {"prompt_tokens": 100, "completion_tokens": 10, "kind": "paid"} | fields
        return Spending(feature=feature, model="m", request_hash="h", **given)  # pyright: ignore[reportArgumentType]

    records.spend(run, [request(1, cost=0.5, cached_tokens=40), request(1, cost=None)])
    records.spend(run, [request(1, kind="estimated", cost=0.25), request(2, kind="cached", cost=0.0)])
    records.spend(run, [])
    records.spend(records.open_run("other", "pocket", "hash", {}), [request(1)])
    spent = records.spent(run)
    assert spent.by_feature == {
        1: {"paid": Total(2, 200, 40, 20, 0.5, 1), "estimated": Total(1, 100, 0, 10, 0.25, 0)},
        2: {"cached": Total(1, 100, 0, 10, 0.0, 0)},
    }
    assert spent.total("paid", "estimated") == Total(3, 300, 40, 30, 0.75, 1)
    assert spent.total("cached") == Total(1, 100, 0, 10, 0.0, 0)


def test_nothing_spent_is_nothing(records: Records, run: Run) -> None:
    assert records.spent(run).by_feature == {}
    assert records.spent(run).total("paid") == Total()


def test_failed_labels_become_history_and_their_features_are_labelled_again(records: Records, run: Run) -> None:
    failed = _label(1, "failed")
    failed.reason = "the model refused"
    records.write_block(run, [_label(0), failed, _label(2, "failed"), _label(3, "no_claim")])
    records.finish(run, {})
    assert records.retire_failed(run, [0, 1]) == 1
    assert records.run("shared").finished is None
    assert records.labelled_features(run) == {0, 2, 3}
    assert records.lease(run, range(4), "one", 9, 600) == [1]
    records.write_block(run, [_label(1, text="at last")])
    history = [(label.status, label.reason) for label in records.labels(run) if label.feature == 1]
    assert history == [("failed", "the model refused"), ("labelled", None)]
    assert records.retire_failed(run) == 1
    assert records.labelled_features(run) == {0, 1, 3}


def test_a_run_without_failures_stays_finished(records: Records, run: Run) -> None:
    records.write_block(run, [_label(0)])
    records.finish(run, {})
    assert records.retire_failed(run) == 0
    assert records.run("shared").finished is not None


def test_characters_that_databases_refuse_are_replaced(records: Records, run: Run) -> None:
    label = _label(0, text="a\0b\ud83dc\ud83d\ude00")
    label.provenance = {"said\0": ["\udc00"]}
    records.write_block(run, [label])
    (stored,) = records.labels(run)
    assert (stored.text, stored.provenance) == ("a\ufffdb\ufffdc\U0001f600", {"said\ufffd": ["\ufffd"]})
