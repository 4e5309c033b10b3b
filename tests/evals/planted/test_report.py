"""The whole eval: its JSON, what is left behind, wrong input, and labelers that ask a language model."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import fake_llm
import numpy as np
import pytest
from contract import CONTRACT
from players import one_shot

from tsea.evals.planted import report
from tsea.evals.planted.report import measure, model_labeler, named_labeler
from tsea.evals.planted.truth import Planted
from tsea.tools.errors import UsageError
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label
from tsea.tools.workbench import Workbench


def _silent(workbench: Workbench, records: Records, features: np.ndarray) -> list[Label]:
    """Fails on every third feature, and says nothing of the others."""
    return [
        Label(feature=f, status="failed" if f % 3 == 0 else "no_claim", text="", kind="", claim="none")
        for f in features.tolist()
    ]


def test_the_report_has_a_row_for_every_strength_and_leaves_nothing_behind(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(report, "plant", lambda *_, **__: planted)
    monkeypatch.setattr(Workbench, "open", lambda *_, **__: planted.workbench)
    monkeypatch.setattr(report, "named_labeler", lambda _name: _silent)
    home = os.environ["TSEA_HOME"]
    found = report.report("statistical", backgrounds=("isotropic",))
    assert found.name == "planted_statistical" and found.figures["labeler"] == "statistical"
    rows = found.figures["rows"]
    assert [row["strength"] for row in rows] == [0, 4, 6, 8, 12, 16, 24]
    contract = CONTRACT["eval planted"]
    assert list(found.figures) == contract["fields"] and all(list(row) == contract["row"] for row in rows)
    assert {row["n"] for row in rows[1:]} == {12} and all(row["recall_top1"] == 0 for row in rows[1:])
    assert all(row["wrong_claims"] is None and row["ece"] is None for row in rows)
    assert found.figures["backgrounds"][0]["failed"] == 54 and "54 without a label" in found.table
    assert os.environ["TSEA_HOME"] == home and not Path(home, "tsea.db").exists()


def test_wrong_input_is_told_what_to_do() -> None:
    with pytest.raises(UsageError, match="take 54 or more"):
        report.report(features=53)
    with pytest.raises(UsageError, match="choose statistical, random-set"):
        named_labeler("gpt")
    with pytest.raises(UsageError, match="name one with --model"):
        named_labeler("agent")
    with pytest.raises(UsageError, match="choose agent, one-shot"):
        model_labeler("statistical", "some-model", None, "OPENAI_API_KEY")


def test_a_language_model_is_measured_as_any_other_labeler(planted: Planted, tmp_path: Path) -> None:
    few = dataclasses.replace(planted, outputs=planted.outputs[:6])
    with fake_llm.serve(one_shot) as llm, Records(f"sqlite:///{tmp_path}/runs.db") as records:
        measured = measure(few, model_labeler("one-shot", fake_llm.MODEL, llm.url, "NO_SUCH_KEY"), records)
    assert measured.failed == 0 and measured.total.n == 6
    assert [row.strength for row in measured.rows] == [4.0]
