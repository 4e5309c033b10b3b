from __future__ import annotations

import dataclasses
import json
from typing import Literal

import numpy as np
import pytest

from tsea.tools.errors import UsageError
from tsea.tools.results import SetDetails
from tsea.tools.token_sets.library import TokenSetLibrary
from tsea.tools.workbench import Workbench
from tsea.tools.written_sets import WrittenSet

Side = Literal["promoted", "suppressed"]
WORDS = '{"words": ["red", "blue", "green", "black", "white", "old", "new", "good"], "variants": "all"}'
FEATURE = 60
sides = pytest.mark.parametrize("side", ["promoted", "suppressed"])


def _open(bench: Workbench) -> np.ndarray:
    return bench.views["open"].tokens


def _weights(bench: Workbench, feature: int, side: Side) -> np.ndarray:
    """Logit weights on open tokens by the definition, in float64, positive on the side."""
    row = bench.subject.decoder[feature].astype(np.float64) @ bench.subject.unembedding.astype(np.float64)
    return (1 if side == "promoted" else -1) * row[_open(bench)]


def _side_weights(bench: Workbench, rows: np.ndarray, side: Side) -> np.ndarray:
    """exp of whitened weights (n, V) on open tokens, standardised and clipped at 8, in float64."""
    row = rows.astype(np.float64) @ bench.subject.whitened.astype(np.float64)
    cut = row[:, _open(bench)]
    x = (cut - cut.mean(axis=1, keepdims=True)) / cut.std(axis=1, keepdims=True)
    return np.exp(np.minimum(x if side == "promoted" else -x, 8))


def _positions(bench: Workbench, spec: str) -> np.ndarray:
    return WrittenSet(bench, spec).members


def _ids(bench: Workbench, positions: np.ndarray) -> list[int]:
    return bench.subject.universe[_open(bench)[positions]].tolist()


@sides
def test_members_and_missed_tokens_stand_by_the_weights_of_the_side(pocket_bench: Workbench, side: Side) -> None:
    found = pocket_bench.set_details(FEATURE, WORDS, side, most=5)
    weights, members = _weights(pocket_bench, FEATURE, side), _positions(pocket_bench, WORDS)
    order = np.argsort(-weights)
    rank = {int(position): place + 1 for place, position in enumerate(order)}
    outside = [p for p in order if p not in set(members.tolist())]
    assert [t.id for t in found.missed] == _ids(pocket_bench, np.array(outside[:5]))
    assert [t.rank for t in found.missed] == [rank[int(p)] for p in outside[:5]]
    contrary = [p for p in order[::-1] if p in set(members.tolist()) and weights[p] < np.median(weights)]
    assert found.not_elevated_count == len(contrary)
    assert found.not_elevated_share == pytest.approx(len(contrary) / found.size)
    assert [t.id for t in found.not_elevated] == _ids(pocket_bench, np.array(contrary[:5]))
    assert found.missed[0].weight == pytest.approx(weights[outside[0]] * (1 if side == "promoted" else -1), rel=1e-4)
    assert found.missed[0].token == pocket_bench.subject.vocabulary.shown(found.missed[0].id)


@sides
def test_the_leading_edge_is_that_of_the_librarys_weighted_score(pocket_bench: Workbench, side: Side) -> None:
    (rows,) = pocket_bench.enrich(np.array([FEATURE]), "suffix.ing")
    row = next(r for r in rows if r.statistic == "es_p1" and r.side == side)
    found = pocket_bench.set_details(FEATURE, "suffix.ing", side, most=20)
    assert row.leading_edge and [t.token for t in found.leading_edge] == row.leading_edge
    ranks = [t.rank for t in found.leading_edge]
    assert ranks == sorted(ranks) and len(ranks) == min(20, found.leading_edge_count)


@sides
def test_the_effect_without_the_member_that_carries_most(pocket_bench: Workbench, side: Side) -> None:
    found = pocket_bench.set_details(FEATURE, "suffix.ing", side)
    members = _positions(pocket_bench, "suffix.ing")
    y = _side_weights(pocket_bench, pocket_bench.subject.decoder[[FEATURE]], side)[0]
    inside = y[members]
    top = members[inside.argmax()]
    assert [found.top_member.id] == _ids(pocket_bench, np.array([top]))
    assert found.mass == pytest.approx(np.log(inside.mean() / y.mean()), abs=1e-4)
    rest = np.delete(inside, inside.argmax())
    assert found.mass_without_top == pytest.approx(np.log(rest.mean() / y.mean()), abs=1e-4)
    assert found.effective_members == pytest.approx(inside.sum() ** 2 / (inside**2).sum(), rel=1e-4)
    drawn = _masses_of_random_directions(pocket_bench, members)
    expected = (np.sum(drawn >= found.mass_without_top) + 1) / (drawn.size + 1)
    assert found.p_without_top == pytest.approx(expected, rel=0.25, abs=0.01)


@sides
def test_rivals_are_the_strongest_sets_that_overlap_or_do_better(pocket_bench: Workbench, side: Side) -> None:
    found = pocket_bench.set_details(FEATURE, "suffix.ing", side)
    null = pocket_bench.nulls("present")["open"].reference
    view, members = pocket_bench.views["open"], set(_positions(pocket_bench, "suffix.ing").tolist())
    masses = view.masses(pocket_bench.mass_weights(pocket_bench.subject.decoder[[FEATURE]]))[0]
    masses = masses[0 if side == "promoted" else 1, :-1]
    strengths = null.strength(masses, np.arange(len(masses)))
    names = [s.name for s in pocket_bench.sets]
    fit = [
        column
        for column in np.argsort(-strengths)
        if masses[column] > 0
        and names[column] != "suffix.ing"
        and (members & set(view.members(column).tolist()) or strengths[column] > found.strength)
    ]
    assert found.rivals and found.rivals[0].set == names[fit[0]]
    assert {r.set for r in found.rivals} <= {names[column] for column in fit}
    for rival in found.rivals:
        column = names.index(rival.set)
        assert rival.mass == pytest.approx(masses[column])
        assert rival.strength == pytest.approx(strengths[column])
        assert rival.shared == len(members & set(view.members(column).tolist()))
        assert rival.p_present == pytest.approx(
            pocket_bench.nulls("present")["open"].p_value(masses[column], 0, column), rel=0.3
        )
    for one in found.rivals:
        for other in found.rivals:
            a, b = (set(view.members(names.index(r.set)).tolist()) for r in (one, other))
            assert one is other or len(a & b) < 0.5 * len(a | b)


@sides
def test_what_a_set_and_its_rival_add_is_regression_and_the_tokens_they_do_not_share(
    pocket_bench: Workbench, side: Side
) -> None:
    feature, rival = next(
        (feature, rival)
        for feature in range(64, 128)
        for rival in pocket_bench.set_details(feature, "pos.VBG", side, rivals=20).rivals
        if rival.shared and rival.a_minus_b.tokens and rival.b_minus_a.tokens
    )
    a, b = (_positions(pocket_bench, json.dumps({"library": name})) for name in ("pos.VBG", rival.set))
    y = _side_weights(pocket_bench, pocket_bench.subject.decoder[[feature]], side)[0]
    z = _weights(pocket_bench, feature, side)
    z = (z - z.mean()) / z.std()
    for one, other, added in ((a, b, rival.a_minus_b), (b, a, rival.b_minus_a)):
        rest = np.setdiff1d(one, other)
        assert (added.tokens, added.share) == (len(rest), pytest.approx(len(rest) / len(one)))
        assert added.mean == pytest.approx(z[rest].mean(), abs=1e-4)
        assert added.mass == pytest.approx(np.log(y[rest].mean() / y.mean()), abs=1e-4)
        assert added.partial == pytest.approx(_partial(y, one, other), abs=1e-5)
        drawn = _masses_of_random_directions(pocket_bench, rest)
        assert added.mass is not None and added.p_mass == pytest.approx(
            (np.sum(drawn >= added.mass) + 1) / (drawn.size + 1), rel=0.25, abs=0.01
        )


@sides
def test_partial_correlations_are_those_of_the_test_given_the_rival(pocket_bench: Workbench, side: Side) -> None:
    found = pocket_bench.set_details(FEATURE, "pos.VBG", side)
    for rival in found.rivals:
        (rows,) = pocket_bench.test_set(np.array([FEATURE]), "pos.VBG", given=rival.set)
        for name, added in (("partial", rival.a_minus_b), ("partial_reverse", rival.b_minus_a)):
            row = next(r for r in rows if r.statistic == name and r.side == side)
            assert row.value is not None and added.partial == pytest.approx(row.value, abs=1e-5)
            assert (added.p_partial, added.error_partial) == (row.p, row.error)


def test_a_set_that_holds_its_rival_leaves_nothing_for_it_to_add(pocket_bench: Workbench) -> None:
    some = next(s for s in pocket_bench.sets if s.name == "suffix.ing")
    others = pocket_bench.open_ids[~np.isin(pocket_bench.open_ids, some.ids)][:40]
    spec = json.dumps({"ids": [*some.ids.tolist(), *others.tolist()]})
    found = _with_rival(pocket_bench, spec, "suffix.ing")
    rival = next(r for r in found.rivals if r.set == "suffix.ing")
    empty = rival.b_minus_a
    assert (empty.tokens, empty.share, empty.mean, empty.mass, empty.p_mass) == (0, 0, None, None, None)
    assert empty.p_partial is not None
    assert rival.a_minus_b.tokens == 40


def test_the_same_tokens_are_no_rival_and_lists_are_cut(pocket_bench: Workbench) -> None:
    some = next(s for s in pocket_bench.sets if s.name == "suffix.ing")
    found = pocket_bench.set_details(FEATURE, json.dumps({"ids": some.ids.tolist()}), most=3, rivals=1)
    assert len(found.rivals) == 1 and found.rivals[0].set != "suffix.ing"
    assert [len(x) for x in (found.leading_edge, found.not_elevated, found.missed)] == [3, 3, 3]
    assert not pocket_bench.set_details(FEATURE, WORDS, rivals=0).rivals


def test_a_set_larger_than_what_is_left_over_still_names_the_tokens_it_misses(pocket_bench: Workbench) -> None:
    ids = pocket_bench.open_ids[:-3].tolist()
    found = pocket_bench.set_details(FEATURE, json.dumps({"ids": ids}))
    assert sorted(t.id for t in found.missed) == pocket_bench.open_ids[-3:].tolist()


def test_features_that_rank_nothing_and_unknown_ones_are_refused(pocket_bench: Workbench) -> None:
    decoder = pocket_bench.subject.decoder.copy()
    decoder[FEATURE] = 0
    subject = dataclasses.replace(pocket_bench.subject, decoder=decoder, hash="zero row")
    library = TokenSetLibrary(pocket_bench.sets, subject.vocabulary.hash)
    bench = Workbench(subject, library, cache=pocket_bench.cache)
    with pytest.raises(UsageError, match=f"Feature {FEATURE} ranks no token"):
        bench.set_details(FEATURE, WORDS)
    with pytest.raises(UsageError, match="4096"):
        bench.set_details(4096, WORDS)


def _with_rival(bench: Workbench, spec: str, name: str) -> SetDetails:
    """Details in the first feature in which a set is among the rivals."""
    for feature in range(200):
        found = bench.set_details(feature, spec, rivals=10)
        if name in [r.set for r in found.rivals]:
            return found
    raise AssertionError(f"{name} is nowhere a rival.")


def _masses_of_random_directions(bench: Workbench, members: np.ndarray) -> np.ndarray:
    rows = np.random.default_rng(5).standard_normal((2000, bench.subject.decoder.shape[1]))
    y = _side_weights(bench, rows, "promoted")
    return np.log(y[:, members].mean(axis=1) / y.mean(axis=1))


def _partial(y: np.ndarray, one: np.ndarray, other: np.ndarray) -> float:
    """Correlation of what regression on the other set leaves of the weights and of membership in this one."""
    first, second = (np.isin(np.arange(len(y)), members).astype(float) for members in (one, other))
    design = np.stack([np.ones(len(y)), second], axis=1)
    left = [v - design @ np.linalg.lstsq(design, v, rcond=None)[0] for v in (y, first)]
    return float(np.corrcoef(left[0], left[1])[0, 1])
