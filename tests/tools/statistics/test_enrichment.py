"""Enrichment scores against a plain loop, GSEApy, sae-lens and the identities of the running sum."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import itertools
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsea.tools.errors import UsageError
from tsea.tools.statistics import _jit
from tsea.tools.statistics.enrichment import Power, SetIndex, Side, enrichment_scores, leading_edge, running_sum
from tsea.tools.statistics.ranks import descending_order

POWERS: tuple[Power, Power] = (0, 1)
SIDES: tuple[Side, Side] = ("promoted", "suppressed")
few = settings(max_examples=30)


def plain_scores(row, members, power):
    """ES+, ES-, and the ranks that end there, by a float64 loop over blocks of equal weights."""
    row = [float(x) for x in row]
    inside = {int(m) for m in members}
    total = sum(abs(row[m]) ** power for m in inside)
    if len(set(row)) == 1 or total == 0:
        return float("nan"), float("nan"), -1, -1
    top, bottom, peak, trough, gained, missed, seen = 0.0, 0.0, -1, -1, 0.0, 0, 0
    for weight, block in itertools.groupby(sorted(range(len(row)), key=lambda t: -row[t]), key=lambda t: row[t]):
        for token in block:
            seen += 1
            if token in inside:
                gained += abs(weight) ** power
            else:
                missed += 1
        value = gained / total - missed / (len(row) - len(inside))
        if value > top + 1e-13:
            top, peak = value, seen - 1
        if value < bottom - 1e-13:
            bottom, trough = value, seen - 1
    return top, bottom, peak, trough


def assert_equal_to_plain(weights, sets, positions, power):
    scores = enrichment_scores(weights, sets, power)
    fields = (scores.positive, scores.negative, scores.peak_positive, scores.peak_negative)
    for feature, row in enumerate(weights):
        for index, members in enumerate(positions):
            found = [field[feature, index] for field in fields]
            np.testing.assert_allclose(found, plain_scores(row, members, power), rtol=0, atol=1e-12)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("n_tokens", [2, 3, 4])
def test_every_small_ranking_with_ties_and_every_set_agree_with_the_loop(n_tokens, power):
    weights = np.array(list(itertools.product([-1, -0.0, 0, 2], repeat=n_tokens)), dtype=np.float32)
    positions = [np.array(c) for k in range(1, n_tokens) for c in itertools.combinations(range(n_tokens), k)]
    assert_equal_to_plain(weights, SetIndex.from_positions(positions, n_tokens), positions, power)


@st.composite
def problems(draw):
    """Rows of weights, many of them tied, and sets over a vocabulary that crosses the 64-bit words of the kernel."""
    n_tokens = draw(st.integers(2, 150))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = rng.standard_t(3, size=(2, n_tokens))
    if draw(st.booleans()):
        weights = np.round(weights)
    sizes = draw(st.lists(st.integers(1, n_tokens - 1), min_size=1, max_size=3))
    return weights.astype(np.float32), [rng.choice(n_tokens, size, replace=False) for size in sizes], rng


@few
@given(problems(), st.sampled_from(POWERS))
def test_kernel_agrees_with_the_loop_on_any_vocabulary(problem, power):
    weights, positions, _ = problem
    assert_equal_to_plain(weights, SetIndex.from_positions(positions, weights.shape[1]), positions, power)


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize("n_tokens", [151_936, 262_144])
def test_the_largest_vocabularies_are_right(n_tokens, power):
    rng = np.random.default_rng(2)
    weights = rng.normal(size=(1, n_tokens)).astype(np.float32)
    positions = [rng.choice(n_tokens, size, replace=False) for size in (1, 300, n_tokens // 2, n_tokens - 1)]
    positions.append(np.argsort(weights[0])[:90_000])  # the most suppressed tokens: the greatest numerator
    scores = enrichment_scores(weights, SetIndex.from_positions(positions, n_tokens), power)
    order = np.argsort(-weights[0], kind="stable")
    assert np.unique(weights).size < n_tokens  # float32 weights tie; these positions do not depend on the order of ties
    for index, members in enumerate(positions):
        hit = np.isin(order, members)
        gain = np.where(hit, np.abs(weights[0, order].astype(np.float64)) ** power, 0)
        walk = np.cumsum(gain) / gain.sum() - np.cumsum(~hit) / (~hit).sum()
        walk = walk[np.append(np.diff(weights[0, order]) != 0, True)]
        assert scores.positive[0, index] == pytest.approx(max(walk.max(), 0), abs=1e-11)
        assert scores.negative[0, index] == pytest.approx(min(walk.min(), 0), abs=1e-11)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("power", POWERS)
def test_scores_are_those_of_gseapy(power):
    import pandas as pd

    gseapy: Any = importlib.import_module("gseapy")

    rng = np.random.default_rng(3)
    row = rng.standard_t(4, size=3000).astype(np.float32)
    assert np.unique(row).size == row.size
    positions = [rng.choice(3000, size, replace=False) for size in (15, 60, 200, 900)]
    positions.append(np.argsort(row)[:100])
    names = [f"t{token}" for token in range(3000)]
    found = gseapy.prerank(
        rnk=pd.Series(row.astype(float), index=names),
        gene_sets={str(i): [names[p] for p in members] for i, members in enumerate(positions)},
        permutation_num=0,
        weight=float(power),
        min_size=1,
        max_size=3000,
        threads=1,
        outdir=None,
        no_plot=True,
        seed=0,
    )
    expected = found.res2d.set_index("Term")["ES"].astype(float)
    scores = enrichment_scores(row[None], SetIndex.from_positions(positions, 3000), power).score[0]
    np.testing.assert_allclose(scores, [expected[str(i)] for i in range(len(positions))], rtol=0, atol=1e-9)


def sae_lens_function(name):
    """One function of sae-lens' TSEA tutorial; importing that module takes long and writes into the home folder."""
    package = importlib.util.find_spec("sae_lens")
    assert package is not None and package.submodule_search_locations
    source = Path(package.submodule_search_locations[0], "tutorial", "tsea.py").read_text()
    definitions = [node for node in ast.parse(source).body if getattr(node, "name", None) == name]
    namespace: dict[str, Any] = {"torch": importlib.import_module("torch")}
    exec(compile(ast.Module(definitions, type_ignores=[]), "tsea.py", "exec"), namespace)
    return namespace[name]


def test_absolute_scores_are_those_of_sae_lens():
    import torch

    rng = np.random.default_rng(4)
    weights = rng.normal(size=(6, 2000)).astype(np.float32)
    positions = [rng.choice(2000, 40, replace=False) for _ in range(5)]
    reference = sae_lens_function("calculate_batch_enrichment_scores")
    expected = reference(torch.from_numpy(weights), torch.tensor(np.array(positions))).numpy().T
    scores = enrichment_scores(weights, SetIndex.from_positions(positions, 2000), 0).score
    np.testing.assert_allclose(np.abs(scores), expected, rtol=0, atol=2e-4)


@few
@given(problems(), st.sampled_from(POWERS))
def test_negating_the_weights_negates_the_scores(problem, power):
    weights, positions, _ = problem
    sets = SetIndex.from_positions(positions, weights.shape[1])
    there, back = enrichment_scores(weights, sets, power), enrichment_scores(-weights, sets, power)
    np.testing.assert_allclose(there.positive, -back.negative, rtol=0, atol=1e-12)


@few
@given(problems())
def test_the_complement_has_the_negated_unweighted_scores(problem):
    weights, positions, _ = problem
    n_tokens = weights.shape[1]
    others = [np.setdiff1d(np.arange(n_tokens), members) for members in positions]
    mine = enrichment_scores(weights, SetIndex.from_positions(positions, n_tokens), 0)
    theirs = enrichment_scores(weights, SetIndex.from_positions(others, n_tokens), 0)
    np.testing.assert_array_equal(mine.positive, -theirs.negative)
    np.testing.assert_array_equal(mine.negative, -theirs.positive)


@few
@given(problems())
def test_monotone_maps_leave_unweighted_scores_and_scaling_leaves_weighted_ones(problem):
    weights, positions, _ = problem
    sets = SetIndex.from_positions(positions, weights.shape[1])
    values, inverse = np.unique(weights, return_inverse=True)
    squashed = np.arange(values.size, dtype=np.float32)[inverse].reshape(weights.shape)
    for power, mapped in zip(POWERS, (squashed, 4 * weights), strict=True):
        before, after = (enrichment_scores(rows, sets, power) for rows in (weights, mapped))
        np.testing.assert_array_equal(before.score, after.score)


@few
@given(problems(), st.sampled_from(POWERS))
def test_token_order_does_not_matter_even_with_ties(problem, power):
    weights, positions, rng = problem
    n_tokens = weights.shape[1]
    new_place = rng.permutation(n_tokens)
    moved = np.empty_like(weights)
    moved[:, new_place] = weights
    before = enrichment_scores(weights, SetIndex.from_positions(positions, n_tokens), power)
    after = enrichment_scores(moved, SetIndex.from_positions([new_place[p] for p in positions], n_tokens), power)
    np.testing.assert_allclose(before.positive, after.positive, rtol=0, atol=1e-12)
    np.testing.assert_allclose(before.negative, after.negative, rtol=0, atol=1e-12)


@pytest.mark.parametrize("power", POWERS)
def test_the_top_tokens_score_one_and_the_bottom_ones_minus_one(power):
    row = np.linspace(3, -4, 500, dtype=np.float32)[None]
    scores = enrichment_scores(row, SetIndex.from_positions([np.arange(40), np.arange(460, 500)], 500), power)
    assert scores.score[0].tolist() == [1.0, -1.0]
    assert scores.peak_positive[0].tolist() == [39, -1]
    assert scores.peak_negative[0].tolist() == [-1, 459]


def test_equally_far_extremes_give_the_positive_score():
    row = np.array([[4, 3, 2, 1]], dtype=np.float32)  # running sum of {0, 3}: 1/2, 0, -1/2, 0
    scores = enrichment_scores(row, SetIndex.from_positions([np.array([0, 3])], 4), 0)
    assert (scores.positive[0, 0], scores.negative[0, 0], scores.score[0, 0]) == (0.5, -0.5, 0.5)


@pytest.mark.parametrize("power", POWERS)
def test_rows_without_differences_have_no_score_and_ties_with_everything_none_either(power):
    weights = np.array([[2, 2, 2, 2], [-0.0, 0.0, 0.0, -0.0], [1, 0, 0, -1]], dtype=np.float32)
    scores = enrichment_scores(weights, SetIndex.from_positions([np.array([1, 2])], 4), power)
    assert np.isnan(scores.score[:2]).all() and (scores.peak_positive[:2] == -1).all()
    assert np.isnan(scores.score[2, 0]) == (power == 1)  # all members at weight 0
    assert np.isnan(running_sum(weights[0], np.array([1, 2]), power)).all()


@pytest.mark.parametrize("power", POWERS)
def test_results_do_not_depend_on_the_number_of_threads(power, monkeypatch):
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(23, 300)).astype(np.float32)
    sets = SetIndex.from_positions([rng.choice(300, size, replace=False) for size in (5, 50, 150)], 300)
    outcomes = []
    for threads in (1, 3):
        monkeypatch.setattr(numba, "get_num_threads", lambda count=threads: count)
        outcomes.append(enrichment_scores(weights, sets, power))
    for field in ("positive", "negative", "peak_positive", "peak_negative"):
        np.testing.assert_array_equal(getattr(outcomes[0], field), getattr(outcomes[1], field))
    one_by_one = [enrichment_scores(row[None], sets, power).score[0] for row in weights]
    np.testing.assert_array_equal(outcomes[1].score, one_by_one)


def test_kernels_compile_where_no_cache_can_be_written(monkeypatch):
    compile_function = numba.njit

    def refusing(*, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return compile_function(**options)

    monkeypatch.setattr(numba, "njit", refusing)
    assert _jit.compiled(lambda x: x + 1)(2) == 3


@few
@given(problems(), st.sampled_from(POWERS))
def test_the_running_sum_has_the_scores_as_extremes_where_the_ranks_say(problem, power):
    weights, positions, _ = problem
    scores = enrichment_scores(weights[:1], SetIndex.from_positions(positions, weights.shape[1]), power)
    for index, members in enumerate(positions):
        curve = running_sum(weights[0], members, power)
        if np.isnan(scores.score[0, index]):
            assert np.isnan(curve).all()
            continue
        assert curve[-1] == pytest.approx(0, abs=1e-12)
        for extreme, value, rank in (
            (max(curve.max(), 0), scores.positive[0, index], scores.peak_positive[0, index]),
            (min(curve.min(), 0), scores.negative[0, index], scores.peak_negative[0, index]),
        ):
            assert extreme == pytest.approx(value, abs=1e-12)
            assert (curve[rank] if rank >= 0 else 0.0) == pytest.approx(value, abs=1e-12)


def test_the_running_sum_goes_straight_through_a_block_of_ties():
    row = np.array([1, 5, 1, 1, 0], dtype=np.float32)  # order 1 | 0 2 3 | 4, members 0 and 4
    np.testing.assert_allclose(running_sum(row, np.array([0, 4]), 0), [-1 / 3, -7 / 18, -4 / 9, -1 / 2, 0], atol=1e-15)


@pytest.mark.parametrize("power", POWERS)
def test_leading_edges_run_from_the_extreme_token_to_the_turn(power):
    row = np.array([9, 8, 7, 6, 0.5, -0.5, -6, -7, -8, -9], dtype=np.float32)
    members = np.array([1, 0, 3, 8, 6, 9, 5])
    # p=0: +1/7 a hit, -1/3 a miss: peak after token 1, trough before token 5; p=1 likewise
    assert leading_edge(row, members, power, "promoted").tolist() == [0, 1]
    assert leading_edge(row, members, power, "suppressed").tolist() == [9, 8]


def test_a_leading_edge_takes_whole_blocks_of_ties_in_token_order():
    row = np.array([1, 3, 3, 2, 2, 2, 0, 0], dtype=np.float32)
    assert leading_edge(row, np.array([1, 2, 3, 4]), 0, "promoted").tolist() == [1, 2, 3, 4]
    assert leading_edge(-row, np.array([4, 2, 1, 3]), 0, "suppressed").tolist() == [1, 2, 3, 4]
    assert leading_edge(row, np.array([6, 7]), 0, "promoted").size == 0
    assert leading_edge(-row, np.array([6, 7]), 0, "suppressed").size == 0


@few
@given(problems(), st.sampled_from(POWERS))
def test_leading_edges_hold_the_members_outside_the_turn(problem, power):
    weights, positions, _ = problem
    row, members = weights[0], positions[0]
    scores = enrichment_scores(row[None], SetIndex.from_positions([members], row.size), power)
    order = descending_order(row[None])[0]
    peak, trough = int(scores.peak_positive[0, 0]), int(scores.peak_negative[0, 0])
    below = order[trough + 1 :] if trough >= 0 else order[:0]
    for side, tokens in zip(SIDES, (order[: peak + 1], below), strict=True):
        edge = leading_edge(row, members, power, side)
        assert sorted(edge) == sorted(set(tokens.tolist()) & set(members.tolist()))
        assert (np.diff(row[edge]) * (1 if side == "suppressed" else -1) >= 0).all()


def test_a_set_index_sorts_and_drops_repeats():
    sets = SetIndex.from_positions([np.array([5, 1, 5]), np.array([], dtype=int), np.array([0, 2])], 6)
    assert (len(sets), sets.sizes.tolist(), sets.members.tolist()) == (3, [2, 0, 2], [1, 5, 0, 2])
    assert len(SetIndex.from_positions([], 6)) == 0


@pytest.mark.parametrize(
    ("pointers", "members", "words"),
    [
        ([0, 2], [1, 1], "without repeats"),
        ([0, 2], [2, 1], "ascend"),
        ([0, 3], [1, 2], "rise from 0"),
        ([0, 2, 1, 2], [1, 2], "rise from 0"),
        ([0, 1], [6], r"outside 0\.\.5"),
        ([0, 1], [-1], r"outside 0\.\.5"),
    ],
)
def test_an_index_that_would_mislead_a_kernel_is_refused(pointers, members, words):
    with pytest.raises(UsageError, match=words):
        SetIndex(np.array(pointers, dtype=np.int64), np.array(members, dtype=np.int32), 6)


def test_an_index_of_other_types_is_refused():
    with pytest.raises(UsageError, match="int64 pointers and int32 members"):
        SetIndex(np.array([0, 1]), np.array([1], dtype=np.int64), 6)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("position", [-1, 6, 2**32 + 1])
def test_positions_outside_the_universe_are_refused(position):
    with pytest.raises(UsageError, match="universe"):
        SetIndex.from_positions([np.array([position])], 6)


@pytest.mark.parametrize(
    ("members", "n_tokens", "power", "words"),
    [
        ([], 4, 0, "Set number 0 is empty"),
        ([0, 1, 2, 3], 4, 0, "whole vocabulary"),
        ([0], 5, 0, "over 5 tokens do not fit weights over 4"),
        ([0], 4, 2, "power must be 0"),
    ],
)
def test_requests_without_an_answer_are_refused(members, n_tokens, power, words):
    sets = SetIndex.from_positions([np.array(members, dtype=int)], n_tokens)
    with pytest.raises(UsageError, match=words):
        enrichment_scores(np.array([[1, 2, 3, 4]], dtype=np.float32), sets, power)


def test_an_unknown_side_is_refused():
    with pytest.raises(UsageError, match="promoted or suppressed"):
        leading_edge(np.array([1, 2], dtype=np.float32), np.array([0]), 0, "up")  # pyright: ignore[reportArgumentType]
