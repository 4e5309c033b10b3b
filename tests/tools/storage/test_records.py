from __future__ import annotations

import dataclasses
import math
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records
from tsea.tools.storage.rows import plain
from tsea.tools.storage.tables import Hypothesis, Label, LedgerEntry, Run

CONFIG = {"library": "abc", "power": 0, "level": 0.05}


def label(feature: int, text: str = "promotes digits") -> Label:
    return Label(feature=feature, status="labelled", text=text, kind="prediction", claim="specific", confidence=0.9)


def entry(feature: int) -> LedgerEntry:
    return LedgerEntry(feature=feature, library_hash="abc", n_tests=500)


def hypothesis(feature: int, side: str = "promoted") -> Hypothesis:
    return Hypothesis(
        feature=feature, spec_hash="spec", set_name="digits", statistic="es", null="present", side=side, q=0.01
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/records/tsea.db"


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    with Records(url) as opened:
        yield opened


@pytest.fixture
def run(records: Records) -> Run:
    return records.open_run("first", "pocket", "hash", CONFIG)


def test_the_default_is_a_file_in_tseas_home() -> None:
    with Records() as records:
        assert records.place == f"{os.environ['TSEA_HOME']}/tsea.db"
    assert Path(records.place).exists()


def test_a_run_is_taken_up_again_by_name_and_configuration(records: Records, run: Run, url: str) -> None:
    assert records.open_run("first", "pocket", "hash", dict(reversed(CONFIG.items()))) == run
    with Records(url) as others:
        assert others.open_run("first", "pocket", "hash", CONFIG) == run
    assert records.runs() == [run]
    assert run.config == CONFIG
    assert timedelta(0) <= datetime.now(UTC) - run.created < timedelta(minutes=10)


def test_a_run_without_a_name_is_called_after_its_configuration(records: Records) -> None:
    unnamed = records.open_run(None, "pocket", "hash", CONFIG)
    assert unnamed.config_hash.startswith(unnamed.name)
    assert records.open_run(None, "pocket", "hash", CONFIG) == unnamed
    assert records.open_run(None, "pocket", "hash", CONFIG | {"power": 1}) != unnamed
    assert records.open_run(None, "pocket", "other", CONFIG) != unnamed


def test_a_name_taken_by_other_settings_is_refused_with_the_difference(records: Records, run: Run) -> None:
    settings = {"library": "abc", "power": 1, "seed": 3}
    records.define(run, "mine", {"suffix": "ing"}, "")
    with pytest.raises(UsageError) as caught:
        records.open_run("first", "pocket", "other", settings)
    message = str(caught.value)
    assert "power was 0 and is now 1" in message
    assert "seed was None and is now 3" in message
    assert "level was 0.05 and is now None" in message
    assert "subject_hash was hash and is now other" in message
    assert "library" not in message
    assert records.runs() == [run]


def test_the_name_of_a_run_that_holds_nothing_is_free(records: Records, run: Run) -> None:
    other = records.open_run("first", "pocket-random", "other", {"power": 1})
    assert (other.id, other.subject, other.config) == (run.id, "pocket-random", {"power": 1})
    assert records.runs() == [other] and records.run("first").config_hash == other.config_hash


def test_an_unknown_run_is_offered_near_names(records: Records) -> None:
    with pytest.raises(UsageError, match="No run first in .*no run yet"):
        records.run("first")
    run = records.open_run("first", "pocket", "hash", CONFIG)
    assert records.run("first") == run
    with pytest.raises(UsageError, match="Did you mean first"):
        records.run("frist")
    with pytest.raises(UsageError, match="Runs there: first"):
        records.run("zzz")


def test_a_finished_run_keeps_its_summary(records: Records, run: Run) -> None:
    assert run.finished is None
    assert run.summary is None
    records.finish(run, {"claims": np.int64(12), "decoy_rate": np.float64("nan")})
    finished = records.run("first")
    assert finished.summary == {"claims": 12, "decoy_rate": None}
    assert finished.finished is not None
    assert finished.finished >= run.created


def test_a_block_comes_back_by_feature_with_every_field(records: Records, run: Run) -> None:
    full = Label(
        feature=7,
        status="no_claim",
        text="no set holds; most promoted: ␣the",
        kind="unclassified",
        claim="none",
        hypotheses=[{"set": "digits", "q": 0.5}],
        confidence=0.1,
        q=0.5,
        refute="another text",
        evidence=["test-1"],
        provenance={"labeler": "statistical", "seed": 0},
    )
    records.write_block(run, [full, label(3)], [entry(7), entry(3)], [hypothesis(7), hypothesis(3)])
    assert [stored.feature for stored in records.labels(run)] == [3, 7]
    stored = dataclasses.asdict(records.labels(run)[1])
    expected = dataclasses.asdict(full) | {"id": 2, "run_id": run.id, "batch_key": f"{run.id}:7"}
    assert stored == expected
    assert [(row.feature, row.n_tests) for row in records.ledger(run)] == [(3, 500), (7, 500)]
    assert [(row.feature, row.q) for row in records.hypotheses(run)] == [(3, 0.01), (7, 0.01)]
    assert records.labelled_features(run) == {3, 7}


def test_writing_a_block_again_changes_nothing(records: Records, run: Run) -> None:
    records.write_block(run, [label(1)], [entry(1)], [hypothesis(1)])
    before = records.labels(run), records.ledger(run), records.hypotheses(run)
    again = [hypothesis(1), hypothesis(1, side="suppressed")]
    records.write_block(run, [label(1, text="another"), label(2)], [entry(1), entry(2)], again)
    assert records.labels(run)[0] == before[0][0]
    assert [row.feature for row in records.labels(run)] == [1, 2]
    assert [row.feature for row in records.ledger(run)] == [1, 2]
    assert [row.side for row in records.hypotheses(run)] == ["promoted", "suppressed"]
    assert records.hypotheses(run)[:1] == before[2]


def test_runs_do_not_see_each_others_rows(records: Records, run: Run) -> None:
    other = records.open_run("second", "pocket", "hash", CONFIG)
    records.write_block(run, [label(1)], [entry(1)], [hypothesis(1)])
    assert records.labels(other) == records.ledger(other) == records.hypotheses(other) == []
    records.write_block(other, [label(1)], [entry(1)], [hypothesis(1)])
    assert len(records.labels(run)) == len(records.labels(other)) == 1


def test_a_block_with_one_bad_row_is_not_written_at_all(records: Records, run: Run) -> None:
    with pytest.raises(Exception, match="wrong"):
        records.write_block(run, [label(1)], [entry(1)], [dataclasses.replace(hypothesis(1), q="wrong")])  # pyright: ignore[reportArgumentType]
    assert records.labels(run) == records.ledger(run) == []


def test_numbers_of_numpy_are_stored_as_numbers(records: Records, run: Run, tmp_path: Path) -> None:
    row = Label(
        feature=np.int64(5),  # pyright: ignore[reportArgumentType]
        status="labelled",
        text="t",
        kind="k",
        claim="none",
        q=np.float32(0.5),  # pyright: ignore[reportArgumentType]
        confidence=float("nan"),
        hypotheses=[{"sizes": np.arange(2), "q": np.float64("inf"), "holds": np.bool_(True)}],
    )
    records.write_block(run, [row])
    with sqlite3.connect(tmp_path / "records" / "tsea.db") as database:
        query = "SELECT typeof(feature), typeof(q), typeof(confidence), hypotheses FROM labels"
        assert database.execute(query).fetchall() == [
            ("integer", "real", "null", '[{"sizes": [0, 1], "q": null, "holds": true}]')
        ]
    database.close()


def test_plain_keeps_what_is_plain_already() -> None:
    value = {"a": [1, 0.5, "x", None, True], "b": {"c": []}}
    assert plain(value) == value
    assert plain((1, {2: math.nan})) == [1, {"2": None}]


def test_two_processes_write_one_run_at_once(records: Records, run: Run, url: str) -> None:
    def start(first: int) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-c", WRITER, url, str(first)], stderr=subprocess.PIPE, text=True)

    writers = [start(0), start(5)]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors
    assert [row.feature for row in records.labels(run)] == list(range(15))


def test_a_kill_amid_a_block_leaves_whole_blocks_only(records: Records, run: Run, url: str) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, url], capture_output=True, text=True, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert records.labelled_features(run) == {0, 1}
    assert [row.feature for row in records.ledger(run)] == [0, 1]
    assert [row.feature for row in records.hypotheses(run)] == [0, 1]
    records.write_block(run, [label(2), label(3)], [entry(2), entry(3)], [hypothesis(2), hypothesis(3)])
    assert records.labelled_features(run) == {0, 1, 2, 3}


COMMON = """
import os, signal, sys
from sqlalchemy import event
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Hypothesis, Label, LedgerEntry

def block(*features):
    return (
        [Label(feature=f, status="labelled", text="t", kind="k", claim="none") for f in features],
        [LedgerEntry(feature=f, library_hash="abc", n_tests=1) for f in features],
        [Hypothesis(feature=f, spec_hash="s", set_name="n", statistic="es", null="present", side="promoted")
         for f in features],
    )

records = Records(sys.argv[1])
run = records.run("first")
"""
# Blocks of two processes overlap: features 5 to 9 are written by both.
WRITER = COMMON + "for f in range(int(sys.argv[2]), int(sys.argv[2]) + 10): records.write_block(run, *block(f))"
KILLED = (
    COMMON
    + """
def kill(connection, cursor, statement, *_):
    if "hypotheses" in statement:
        os.kill(os.getpid(), signal.SIGKILL)

records.write_block(run, *block(0, 1))
event.listen(records._engine, "before_cursor_execute", kill)
records.write_block(run, *block(2, 3))
"""
)
