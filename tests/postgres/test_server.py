"""What only a server can do to records: hang up, hold locks for a worker that hangs, and keep the labels of a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import create_engine

from tsea.labeler.batch import label_features
from tsea.tools.storage import database
from tsea.tools.storage.records import Records
from tsea.tools.storage.schema import lock_writers
from tsea.tools.workbench import Workbench


def test_connections_that_the_server_closed_are_replaced(url: str) -> None:
    with Records(url) as records:
        run = records.open_run("first", "pocket", "hash", {})
        engine = create_engine(url)
        with engine.connect() as connection:
            others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            closed = connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {others}").all()
        engine.dispose()
        assert closed == [(True,)]
        assert records.runs() == [run]


def test_a_worker_that_hangs_in_a_transaction_does_not_stop_the_others(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 1)
    with Records(url) as records, Records(url) as hanging:
        run = records.open_run("first", "pocket", "hash", {})
        connection = hanging._engine.connect()
        lock_writers(connection)
        assert records.lease(run, range(3), "alive", 2, 600) == [0, 1]
        connection.invalidate()
        connection.close()


def test_a_labeling_run_on_a_server_is_the_same_as_in_a_file(url: str, pocket_bench: Workbench) -> None:
    features = np.arange(64)

    def said(records: Records) -> tuple[Sequence[object], Sequence[object]]:
        run = label_features(pocket_bench, records, features, run_name="first")
        assert run.finished is not None
        labels = [(row.feature, row.status, row.text, row.q, row.hypotheses) for row in records.labels(run)]
        return labels, [(row.feature, row.set_name, row.q) for row in records.hypotheses(run)]

    with Records(url) as there, Records() as here:
        assert said(there) == said(here)
        assert said(there) == said(here)  # taken up again
