from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from hub import Hub

from tsea.evals import published
from tsea.evals.published import CASES, SUBJECT, Case, published_rows
from tsea.tools.errors import UsageError
from tsea.tools.workbench import Workbench

# Families that need no data beside the package; the others are the sets that cannot be built.
RUN = f"""
import json
from dataclasses import asdict
from tsea.evals.published import published_rows
from tsea.tools.subject import open_subject
from tsea.tools.token_sets.build import build_library
subject = open_subject({SUBJECT!r}, device="cpu")
library, _ = build_library(subject.vocabulary, ["regex", "topic"])
print(json.dumps([asdict(row) for row in published_rows(subject, library, references=1024, compared=256)]))
"""


@pytest.mark.large
def test_every_case_comes_out_of_the_real_loading_code(gpt2_small_hub: Hub) -> None:
    done = subprocess.run([sys.executable, "-c", RUN], env=gpt2_small_hub.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])
    assert [(row["feature"], row["expectation"]) for row in rows] == [(c.feature, c.expectation) for c in CASES]
    tested = [row for row in rows if row["p"] is not None]
    unbuilt = [row for row in rows if row["p"] is None]
    assert {row["feature"] for row in tested} == {89, 2896, 4467}
    assert {row["feature"] for row in unbuilt} == {5382, 18006, 2896, 18206}
    assert all(0 < row["p"] <= 1 and 1 <= row["rank"] <= 257 and row["of"] == 256 for row in tested)
    assert all(row["holds"] is None and "No token set" in row["note"] for row in unbuilt)


def test_a_subject_with_fewer_features_is_refused(pocket_bench: Workbench) -> None:
    with pytest.raises(UsageError, match="pocket has too few features"):
        published_rows(pocket_bench.subject, pocket_bench.library)


def test_planted_cases_hold_one_way_and_not_the_other(pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    subject, name = pocket_bench.subject, "regex.all_caps"
    members = np.isin(subject.universe, pocket_bench.library[name].ids)
    towards = subject.unembedding[:, members].mean(axis=1) - subject.unembedding.mean(axis=1)
    decoder = subject.decoder.copy()
    decoder[:2] = towards, -towards
    planted = dataclasses.replace(subject, decoder=decoder)
    cases = [
        Case(feature, "planted", way, name)
        for feature in (0, 1)
        for way in ("promotes", "suppresses", "does not promote")
    ]
    monkeypatch.setattr(published, "CASES", cases)
    rows = published_rows(planted, pocket_bench.library, references=2048)
    assert [row.holds for row in rows] == [True, False, False, False, True, True]
    assert rows[0].rank == rows[4].rank == 1
    assert rows[0].of == subject.alive.sum()
    assert rows[0].p == rows[4].p == 1 / (2 * 2048 + 1)
