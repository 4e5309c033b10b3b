"""Sets made from a model: what they hold, and that they never speak for the feature they come from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from tsea.evals.made_up import made_up_subject
from tsea.labeler.evidence import gather_evidence
from tsea.tools.activations.indexing import index_corpus
from tsea.tools.activations.part import explore
from tsea.tools.derived_sets import (
    MAX_PROMOTED,
    PROMOTED_Z,
    cluster_sets,
    family_name,
    fired_sets,
    frequency_sets,
    neighbour_sets,
    promoted_sets,
)
from tsea.tools.errors import UsageError
from tsea.tools.storage.cache import ByteCache
from tsea.tools.subject.subject import Subject
from tsea.tools.token_sets import TokenSet, TokenSetLibrary
from tsea.tools.token_sets.split import OPEN, token_split
from tsea.tools.workbench import Workbench

D, V, F = 16, 600, 40
FEATURE, DUPLICATE = 3, 4


@pytest.fixture(scope="module")
def subject() -> Subject:
    """Random features; one of them nearly twice."""
    rng = np.random.default_rng(0)
    unembedding, decoder = rng.normal(size=(D, V)), rng.normal(size=(F, D))
    decoder[DUPLICATE] = 2 * decoder[FEATURE] + 0.1 * rng.normal(size=D)
    return made_up_subject("made up", unembedding.astype(np.float32), decoder.astype(np.float32))


def bench(subject: Subject, sets: list[TokenSet], folder: Path) -> Workbench:
    return Workbench(subject, TokenSetLibrary(sets, subject.vocabulary.hash), cache=ByteCache(folder))


def some_set(name: str, ids: np.ndarray) -> TokenSet:
    return TokenSet(name, "rule", "", np.sort(ids), "rules", "MIT")


@pytest.fixture(scope="module")
def derived(subject: Subject, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A workbench whose library holds a set made from FEATURE and, under another name, nearly the same by rule."""
    folder = tmp_path_factory.mktemp("cache")
    (own,) = promoted_sets(bench(subject, [some_set("x", np.arange(50))], folder), np.array([FEATURE]))
    sets = [own, some_set("rule", np.union1d(own.ids, [0, 1])), some_set("random", np.arange(0, V, 9))]
    return bench(subject, sets, folder)


def test_promoted_sets_hold_the_top_open_tokens_and_sealed_ones_whose_open_neighbours_are_in(
    derived: Workbench, subject: Subject
) -> None:
    (own,) = promoted_sets(derived, np.array([FEATURE]))
    z = subject.decoder[FEATURE] @ subject.whitened
    split = token_split(subject.vocabulary)
    open_tokens = np.flatnonzero(split == OPEN)
    standard = (z[open_tokens] - z[open_tokens].mean()) / z[open_tokens].std()
    count = np.clip((standard >= PROMOTED_Z).sum(), 10, MAX_PROMOTED)
    top = set(open_tokens[np.argsort(-standard)[:count]].tolist())
    assert top == {i for i in own.ids.tolist() if split[i] == OPEN}
    columns = subject.whitened / np.linalg.norm(subject.whitened, axis=0)
    for token in np.flatnonzero(split != OPEN):
        near = open_tokens[np.argsort(-(columns[:, token] @ columns[:, open_tokens]))[:5]]
        assert (sum(int(n) in top for n in near) >= 3) == (token in own.ids)


def test_weights_on_sealed_tokens_do_not_reach_a_promoted_set(
    derived: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_open(directions: np.ndarray, view: str = "open") -> torch.Tensor:
        assert view == "open"
        return original(directions)

    original = derived.mass_weights
    monkeypatch.setattr(derived, "mass_weights", only_open)
    monkeypatch.setattr(derived, "weights", None)
    assert len(promoted_sets(derived, np.arange(3))) == 3


def test_no_evidence_about_a_feature_comes_from_a_set_made_of_it(derived: Workbench, subject: Subject) -> None:
    evidence = gather_evidence(derived, subject.decoder)
    names = [derived.sets[column].name for column in evidence.column]
    tested = {
        (direction, name)
        for direction, name, side in zip(evidence.direction, names, evidence.side, strict=True)
        if not side
    }
    for feature in (FEATURE, DUPLICATE):
        assert (feature, "rule") in tested  # the same tokens, by a rule of their own, do speak
        assert (feature, str(FEATURE)) not in tested
    others = {feature for feature, name in tested if name == str(FEATURE)}
    assert others & {feature for feature, name in tested if name == "rule"}


def test_enrichment_marks_such_sets_and_gives_them_no_p(derived: Workbench) -> None:
    for rows in derived.enrich(np.array([FEATURE, DUPLICATE, 7])):
        for row in rows:
            own = row.set == str(FEATURE) and row.feature in (FEATURE, DUPLICATE)
            assert row.circular == own
            p = (row.p_random, row.p_present, row.p_specific, row.q)
            assert all(v is None for v in p) if own else row.q is not None
            assert row.value is not None


def test_written_sets_cannot_launder_it(derived: Workbench) -> None:
    own = derived.library[str(FEATURE)]
    some = own.ids.tolist()[:-1]
    for spec in (str(FEATURE), "3*", f'{{"any": ["random", "{FEATURE}"]}}', f'{{"ids": {some}}}'):
        rows = [row for rows in derived.test_set(np.array([FEATURE, 7]), spec) for row in rows]
        assert {row.feature for row in rows if row.circular} == {FEATURE}, spec
        assert all(row.p is None and row.q is None and row.holds is None for row in rows if row.circular)
        assert all(row.q is not None for row in rows if not row.circular)
    assert not any(row.circular for rows in derived.test_set(np.array([FEATURE]), "random") for row in rows)


def test_a_given_set_made_from_the_feature_has_no_p_beside_an_independent_one(derived: Workbench) -> None:
    (rows,) = derived.test_set(np.array([FEATURE]), "random", given=str(FEATURE))
    assert {row.statistic for row in rows if row.circular} == {"partial_reverse"}
    assert all((row.p is None) == row.circular for row in rows)


def test_details_give_no_p_to_a_set_made_from_the_feature_and_offer_none_as_a_rival(derived: Workbench) -> None:
    own = derived.set_details(FEATURE, str(FEATURE))
    assert own.circular and own.p_without_top is None
    assert own.rivals and all(r.a_minus_b.p_mass is None and r.a_minus_b.p_partial is None for r in own.rivals)
    assert all(r.b_minus_a.p_partial is not None for r in own.rivals)
    independent = derived.set_details(FEATURE, "random")
    assert not independent.circular and independent.p_without_top is not None
    assert [r.set for r in independent.rivals] == ["rule"]


def test_neighbourhoods_are_described_by_independent_sets_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    unembedding, decoder = rng.normal(size=(D, V)), rng.normal(size=(90, D))
    decoder[:30] += 3 * rng.normal(size=D)
    crowd = made_up_subject("a crowd", unembedding.astype(np.float32), decoder.astype(np.float32))
    (own,) = promoted_sets(bench(crowd, [some_set("x", np.arange(50))], tmp_path), np.array([0]))
    workbench = bench(crowd, [own, some_set("rule", np.union1d(own.ids, [0, 1]))], tmp_path)
    (rows,) = workbench.enrich_neighbourhood(np.array([1]))
    named = {row.set for row in rows}
    assert "promotes.rule" in named and f"promotes.{own.name}" not in named


def test_clusters_are_the_groups_that_the_unembedding_has(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    group = rng.permutation(np.repeat(np.arange(5), 60))
    columns = np.eye(5)[:, group] * 10 + rng.normal(size=(5, 300)) * 0.3
    columns *= rng.uniform(0.5, 2, 300)
    columns -= columns.mean(axis=1, keepdims=True)
    subject = made_up_subject("groups", columns.astype(np.float32), rng.normal(size=(4, 5)).astype(np.float32))
    workbench = bench(subject, [some_set("x", np.arange(50))], tmp_path)
    sets = cluster_sets(workbench, 5)
    assert sorted(tuple(s.ids) for s in sets) == sorted(tuple(np.flatnonzero(group == g)) for g in range(5))
    assert all(s.derived_from == () and s.source == "derived from groups" for s in sets)
    with pytest.raises(UsageError, match="choose between 2"):
        cluster_sets(workbench, 301)


def test_neighbours_are_those_of_largest_cosine_and_the_token_itself(derived: Workbench, subject: Subject) -> None:
    (near,) = neighbour_sets(derived, ["17"], 20)
    columns = subject.whitened.astype(np.float64)
    columns /= np.linalg.norm(columns, axis=0)
    assert set(near.ids.tolist()) == set(np.argsort(-(columns[:, 17] @ columns))[:20].tolist())
    assert near.name == "17" and 17 in near.ids
    assert "(" not in near.description and near.description.startswith("Tokens near 17, such as 17, ")
    with pytest.raises(UsageError, match="Choose a smaller --size"):
        neighbour_sets(derived, ["17"], V + 1)
    with pytest.raises(UsageError, match="no single token"):
        neighbour_sets(derived, ["no token"], 20)


def test_frequency_bands_double_and_hold_the_tokens_that_occur_so_often(
    pocket_bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TSEA_HOME", str(tmp_path))
    subject = pocket_bench.subject
    part = explore(index_corpus(subject, None, 40 * 127), subject.vocabulary.special)
    counts = np.zeros(len(subject.vocabulary))
    counts[: len(part.token_counts)] = part.token_counts
    found = {s.name: s.ids.tolist() for s in frequency_sets(pocket_bench)}
    assert list(found)[:4] == ["0", "1", "2_3", "4_7"]
    for name, ids in found.items():
        least, most = (int(number) for number in (name.split("_") * 2)[:2])
        assert ids == [t for t in subject.universe.tolist() if least <= counts[t] <= most]


def test_fired_sets_are_the_tokens_the_whole_model_and_sae_fire_on(pocket_bench: Workbench) -> None:
    subject = pocket_bench.subject
    features = np.arange(60)
    sets = {s.name: s for s in fired_sets(pocket_bench, features)}
    some = subject.universe[::97]
    bos = subject.model.tokenizer.bos_token_id
    rows = torch.tensor([[bos, int(token)] for token in some])
    with torch.no_grad():
        _, cache = subject.model.run_with_cache(rows)
        active = subject.sae.encode(cache[subject.hook_name])[:, 1].numpy() > 0
    assert active[:, :60].any()
    for feature in features:
        firing = set(some[active[:, feature]].tolist())
        held = set() if str(feature) not in sets else set(sets[str(feature)].ids.tolist()) & set(some.tolist())
        assert firing == held
    (first, *_) = sets.values()
    assert first.derived_from[0].directions.shape == (2, subject.d_model)


def test_bare_directions_do_not_fire_and_families_are_named_after_kind_and_subject(derived: Workbench) -> None:
    with pytest.raises(UsageError, match="no encoder"):
        fired_sets(derived, np.array([0]))
    renamed = dataclasses.replace(derived.subject, name="gpt2-small-res-jb/blocks.8.hook_resid_pre")
    assert family_name("fires", bench(renamed, list(derived.library), derived.cache.folder)) == (
        "fires_gpt2_small_res_jb_blocks_8_hook_resid_pre"
    )
