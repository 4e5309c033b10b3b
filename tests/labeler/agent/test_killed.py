"""A run whose process is killed again and again ends as one that was not, and pays nothing twice that was kept."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fake_llm
import pytest
from fake_llm import FakeLLM
from players import investigation

from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run

Labelled = Callable[..., Run]
FEATURES = range(200, 232)
CONCURRENCY = 4
KILLS = 5
# Few sets, so that what the first process makes takes seconds; they are the same each time.
LABEL = """
import sys
import numpy as np
from tsea.labeler.agent.conversation import Style
from tsea.labeler.agent.run import ModelRun, label_by_model
from tsea.labeler.llm.endpoint import Endpoint
from tsea.tools.storage.records import Records
from tsea.tools.subject import open_subject
from tsea.tools.libraries import library_of
from tsea.tools.storage.cache import ByteCache
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.workbench import Workbench

url, database, first, last, concurrency = sys.argv[1:]
cache, subject = ByteCache(), open_subject("pocket")
library, _ = library_of(subject.vocabulary, cache)
few = [s for family in ("regex", "suffix") for s in library.select(f"{family}.*")]
workbench = Workbench(subject, TokenSetLibrary(few, subject.vocabulary.hash), cache=cache)
asked = ModelRun("agent", Style("fake-1"), Endpoint(url), concurrency=int(concurrency))
with Records(database) as records:
    label_by_model(workbench, records, np.arange(int(first), int(last)), asked, run_name="run")
"""


def start(llm: FakeLLM, database: str) -> subprocess.Popen[bytes]:
    arguments = [llm.url, database, str(FEATURES.start), str(FEATURES.stop), str(CONCURRENCY)]
    return subprocess.Popen([sys.executable, "-c", LABEL, *arguments])


@pytest.mark.large
def test_a_run_killed_at_any_moment_loses_only_unfinished_features(tmp_path: Path) -> None:
    database, luck = f"sqlite:///{tmp_path}/killed.db", random.Random(4)
    with fake_llm.serve(investigation, latency=0.05) as llm:
        for kill in range(KILLS):
            seen, process = len(llm.seen), start(llm, database)
            while len(llm.seen) == seen and process.poll() is None:
                time.sleep(0.01)
            time.sleep(luck.random() * 3)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            assert process.wait() in (-signal.SIGKILL, 0), kill
        assert start(llm, database).wait() == 0
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
