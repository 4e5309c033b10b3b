from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from tsea.tools import rank_index
from tsea.tools.errors import TseaError
from tsea.tools.nulls import MASS
from tsea.tools.progress import silent
from tsea.tools.rank_index import RankIndex
from tsea.tools.subject.subject import Subject
from tsea.tools.views import View
from tsea.tools.workbench import Workbench


@pytest.fixture
def small(pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> Subject:
    """300 features and few reference directions, so that an index takes a moment."""
    monkeypatch.setattr(rank_index, "REFERENCES", 64)
    subject, kept = pocket_bench.subject, slice(0, 300)
    return dataclasses.replace(
        subject, decoder=subject.decoder[kept], alive=subject.alive[kept], density=None, hash="300 features"
    )


def _built(folder: Path) -> dict[str, float]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npy")}


def test_an_index_agrees_with_what_is_computed_anew(small: Subject, pocket_bench: Workbench) -> None:
    view = pocket_bench.views["open"]
    index = RankIndex.open(small, view, "logits", silent)
    weights = torch.from_numpy(small.decoder) @ torch.from_numpy(small.unembedding)
    scores = view.ranked(torch.nn.functional.layer_norm(view.cut(weights), (len(view.tokens),), eps=0))
    for column in (0, 3):
        found = index.rankings.scores(view.members(column), index.every_feature)
        live = small.alive
        np.testing.assert_allclose(found["es_p0"][live, 0], scores.p0.positive[live, column], atol=1e-3)
        np.testing.assert_allclose(found["rank_sum"][live, 0], scores.auroc[live, column], atol=1e-4)


def test_an_interrupted_build_goes_on_where_it_stopped(
    small: Subject, pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = pocket_bench.views["open"]
    monkeypatch.setattr("tsea.tools.statistics.projection.BLOCK_ELEMENTS", 100 * len(view.tokens))
    seen: list[int] = []

    def stop(_what: str, done: int, _total: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RankIndex.open(small, view, "logits", stop)
    stored: list[int] = []
    original = rank_index.StoredRankings.store
    monkeypatch.setattr(
        rank_index.StoredRankings,
        "store",
        lambda self, start, rows: (stored.append(start), original(self, start, rows))[1],
    )
    resumed = RankIndex.open(small, view, "logits", silent)
    assert seen == [100, 200] and stored == [200, 300, 400]
    whole = dataclasses.replace(small, hash="another name for the same")
    fresh = RankIndex.open(whole, view, "logits", silent)
    members = view.members(0)
    for rows in (resumed.every_feature, resumed.references("present")):
        again, anew = (index.rankings.scores(members, rows) for index in (resumed, fresh))
        for name, values in again.items():
            np.testing.assert_array_equal(values, anew[name])


def test_an_index_is_built_once_for_each_ranking_and_view(small: Subject, pocket_bench: Workbench) -> None:
    view = pocket_bench.views["open"]
    first = RankIndex.open(small, view, "logits", silent)
    before = _built(first.folder)
    again = RankIndex.open(small, view, "logits", silent)
    assert (again.folder, _built(again.folder)) == (first.folder, before)
    assert RankIndex.open(small, view, "whitened", silent).folder != first.folder
    assert RankIndex.open(small, pocket_bench.views["confirm"], "logits", silent).folder != first.folder


def test_a_full_disk_is_one_clear_line(
    small: Subject, pocket_bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = rank_index.shutil.disk_usage
    monkeypatch.setattr(rank_index.shutil, "disk_usage", lambda path: usage(path)._replace(free=1000))
    with pytest.raises(TseaError, match=r"needs .* GB .* make room, or set TSEA_HOME"):
        RankIndex.open(small, pocket_bench.views["open"], "logits", silent)


def test_the_whitened_index_holds_the_mass(small: Subject, pocket_bench: Workbench) -> None:
    view: View = pocket_bench.views["open"]
    index = RankIndex.open(small, view, "whitened", silent)
    found = index.rankings.masses(view.members(2), index.every_feature)["mass"]
    direct = MASS.evaluate(view, pocket_bench.mass_weights(small.decoder))[:, :, 2]
    np.testing.assert_allclose(found[small.alive], direct[small.alive], atol=3e-3)
