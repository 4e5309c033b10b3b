"""A run whose process is killed again and again ends as one that was not, and pays nothing twice that was kept."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from pathlib import Path

import fake_llm
import pytest
from label_process import start
from players import investigation

from tsea.tools.storage.records import Records

FEATURES = range(200, 232)
CONCURRENCY = 4
KILLS = 5


@pytest.mark.large
def test_a_run_killed_at_any_moment_loses_only_unfinished_features(tmp_path: Path) -> None:
    database, luck = f"sqlite:///{tmp_path}/killed.db", random.Random(4)
    with fake_llm.serve(investigation, latency=0.05) as llm:
        for kill in range(KILLS):
            seen, process = len(llm.seen), start(llm, database, FEATURES, CONCURRENCY)
            while len(llm.seen) == seen and process.poll() is None:
                time.sleep(0.01)
            time.sleep(luck.random() * 3)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            assert process.wait() in (-signal.SIGKILL, 0), kill
        assert start(llm, database, FEATURES, CONCURRENCY).wait() == 0
        bodies = Counter(str(seen.body["messages"]) for seen in llm.seen if seen.completed)
    with Records(database) as records:
        labels = records.labels(records.run("run"))
        paid = records.spent(records.run("run")).total("paid")
    assert [label.feature for label in labels] == list(FEATURES)
    assert all(label.batch_key and label.status in ("labelled", "no_claim") for label in labels)
    # A reply that had come when its process died, before it was kept, is asked for again.
    again = sum(bodies.values()) - len(bodies)
    assert again <= KILLS * CONCURRENCY
    assert sum(bodies.values()) - KILLS * CONCURRENCY <= paid.requests <= sum(bodies.values())
