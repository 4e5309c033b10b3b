"""Two processes that label the features of one run at once, each of which could do it alone."""

from __future__ import annotations

from collections import Counter

import fake_llm
from label_process import start
from players import investigation

from tsea.tools.storage.records import Records

FEATURES = range(300, 340)
REPLIES = 3  # of an investigation


def test_two_runners_on_one_run_do_no_work_twice_and_lose_no_row(url: str) -> None:
    with fake_llm.serve(investigation, latency=0.05) as llm:
        assert start(llm, url, range(300, 301), 1).wait() == 0  # makes what both would make
    with Records(url) as records:
        records.delete(records.run("run"))
    with fake_llm.serve(investigation, latency=0.05) as llm:
        runners = [start(llm, url, FEATURES, 2) for _ in range(2)]
        assert [runner.wait() for runner in runners] == [0, 0]
        asked = Counter(int(one.feature or -1) for one in llm.seen)
        counted = llm.completed()
    assert asked == {feature: REPLIES for feature in FEATURES}
    with Records(url) as records:
        run = records.run("run")
        labels, paid = records.labels(run), records.spent(run).total("paid")
        assert run.finished is not None and run.summary is not None and run.summary["features"] == len(FEATURES)
    assert sorted(label.feature for label in labels) == list(FEATURES)
    assert all(label.batch_key and label.status in ("labelled", "no_claim") for label in labels)
    assert (paid.requests, paid.tokens) == (counted.replies, counted.prompt + counted.completion)
