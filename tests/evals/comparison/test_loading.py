from __future__ import annotations

from collections.abc import Iterator

import pytest
from compared import label, scores

from tsea.evals.comparison.loading import scored_runs
from tsea.evals.comparison.paired import Scores
from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Run


@pytest.fixture
def records() -> Iterator[Records]:
    with Records() as opened:
        for name, subject in (("a", "pocket"), ("b", "pocket"), ("other", "pocket-random")):
            run = opened.open_run(name, subject, f"hash of {subject}", {"name": name})
            opened.submit(run, label(3, "first"))
            opened.submit(run, label(3, "second"))
        yield opened


def one_each(_records: Records, _run: Run) -> Scores:
    return {"output": {3: scores(0.5)}}


def none(_records: Records, run: Run) -> Scores:
    return {"output": {3: scores(0.5)} if run.name == "a" else {}}


def test_runs_come_in_the_order_named_with_the_final_label_of_each_feature(records: Records) -> None:
    found = scored_runs(records, ["b", "a"], one_each)
    assert [run.name for run in found] == ["b", "a"]
    assert [one.text for one in found[0].labels.values()] == ["second"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "needs two runs"),
        (["a", "b", "a"], "Run a is named twice"),
        (["a", "other"], r"Run a is on pocket \(hash of \) and run other on pocket-random"),
        (["a", "nobody"], "No run nobody"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(records: Records, names: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        scored_runs(records, names, one_each)


def test_a_run_without_scores_is_told_the_command_that_makes_them(records: Records) -> None:
    with pytest.raises(UsageError, match="Run b has no scores yet: `tsea eval score b`"):
        scored_runs(records, ["a", "b"], none)
