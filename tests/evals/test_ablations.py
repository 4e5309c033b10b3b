from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tsea.evals import ablations
from tsea.evals.ablations import ABLATIONS, top_tokens, unweighted_score, without_overlap
from tsea.tools.inputs.enrichment import ReadingEnrichment
from tsea.tools.storage.tables import Label
from tsea.tools.workbench import Workbench


@pytest.fixture(scope="module")
def claimed(pocket_bench: Workbench) -> np.ndarray:
    return np.arange(0, 4096, 64)


def _sets(labels: list[Label]) -> list[list[str]]:
    return [[h["spec"]["library"] for h in label.hypotheses if "library" in h["spec"]] for label in labels]


def test_top_tokens_names_the_set_that_holds_most_of_the_twenty_most_promoted_open_tokens(
    pocket_bench: Workbench, pocket_reading: ReadingEnrichment, indexed_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSEA_HOME", str(indexed_home))
    features = np.array([3, 700, 1500])
    for feature, label in zip(features, top_tokens(pocket_bench, features), strict=True):
        weights = pocket_bench.subject.decoder[feature] @ pocket_bench.subject.unembedding
        inside = np.isin(pocket_bench.subject.universe, pocket_bench.open_ids)
        best = pocket_bench.subject.universe[np.argsort(np.where(inside, -weights, np.inf))[:20]]
        hits = {s.name: (int(np.isin(best, s.ids).sum()), -len(s)) for s in pocket_bench.sets}
        assert label.feature == feature and label.confidence is None
        assert hits[_sets([label])[0][0]] == max(hits.values())
        part = pocket_bench.activity.part
        firings = part.firings(int(feature))
        fired = part.tokens(firings.positions[np.lexsort((firings.positions, -firings.values))[:20]])
        counts = {s.name: int(np.isin(fired, s.ids).sum()) for s in pocket_bench.sets}
        said = [h["spec"]["token"]["library"] for h in label.hypotheses if h["side"] == "input"]
        assert [counts[name] for name in said] == ([max(counts.values())] if len(fired) else [])


@pytest.mark.large
def test_without_the_overlap_test_no_claim_is_lost_and_more_are_made(
    pocket_bench: Workbench, claimed: np.ndarray
) -> None:
    few, more = (ABLATIONS[name](pocket_bench, claimed) for name in ("no-overlap", "random-set"))
    assert [label.feature for label in few] == claimed.tolist() == [label.feature for label in more]
    # Nearly every feature has a set under the random-set null.
    assert np.mean([bool(sets) for sets in _sets(more)]) > 0.8 > np.mean([bool(sets) for sets in _sets(few)])


@pytest.mark.large
def test_the_unweighted_score_claims_sets_that_its_own_null_cannot_explain(
    pocket_bench: Workbench, claimed: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ablations, "REFERENCES", 4 * ablations.BATCH)
    found = unweighted_score(pocket_bench, claimed[:24])
    for label in found:
        assert all(0 < h["p_present"] <= 0.05 and h["holds"] for h in label.hypotheses)
    assert without_overlap(pocket_bench, claimed[:1])[0].feature == 0
