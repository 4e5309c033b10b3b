"""The reading share by brute force, its null on random directions, and planted features that read what they should."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tsea.tools.activations.store import Firings
from tsea.tools.inputs.null import LEVELS, ReadingNull, reading_null
from tsea.tools.inputs.places import Column, Places, frequent_columns
from tsea.tools.inputs.slices import Slice
from tsea.tools.inputs.strongest import Strongest
from tsea.tools.statistics.directions import DirectionModel
from tsea.tools.statistics.reading import information, rank_weights, reading_shares
from tsea.tools.token_sets import TokenSet

D, TYPES, TOKENS = 12, 60, 6000


def some_set(name: str, *ids: int) -> TokenSet:
    return TokenSet(name, "made", "", np.array(sorted(ids)), "", "")


SETS = [some_set(f"s{i}", *range(i * 6, i * 6 + 6)) for i in range(10)] + [some_set("all", *range(TYPES))]


@pytest.fixture(scope="module")
def read() -> Slice:
    """Random tokens."""
    token = np.random.default_rng(0).integers(0, TYPES, TOKENS)
    previous, following = np.roll(token, 1), np.roll(token, -1)
    places: dict = {"token": token, "previous": previous, "next": following}
    return Slice(np.arange(TOKENS) * 2, places, [token], np.ones(TOKENS, bool))


@pytest.fixture(scope="module")
def values(read: Slice) -> np.ndarray:
    """What is read at them: the vector of the token's type, and noise of the same size."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(TYPES, D))
    return (vectors[read.tokens["token"]] + rng.normal(size=(TOKENS, D))).astype("f4")


@pytest.fixture(scope="module")
def null(values: np.ndarray, places: Places) -> ReadingNull:
    return reading_null(values, places, DirectionModel.isotropic(D), 2048, 1)


@pytest.fixture(scope="module")
def places(read: Slice) -> Places:
    return Places.of(read, SETS, frequent_columns(read, SETS, 20))


@given(
    codes=hnp.arrays(np.int64, (3, 9), elements=st.integers(-1, 4)),
    owners=st.lists(st.sets(st.integers(0, 3)), min_size=5, max_size=5),
)
@settings(max_examples=60, deadline=None)
def test_shares_are_those_of_the_definition(codes: np.ndarray, owners: list[set[int]]) -> None:
    pointers = np.cumsum([0, *map(len, owners)], dtype=np.int64)
    members = np.array([c for own in owners for c in sorted(own)], np.int32)
    levels = np.array([1, 4, 9])
    found = reading_shares(codes, pointers, members, levels, 4)
    for row, level, column in np.ndindex(3, 3, 4):
        m = int(levels[level])
        weights = [(m - i) / m for i in range(m)]
        inside = [w for w, c in zip(weights, codes[row], strict=False) if c >= 0 and column in owners[c]]
        assert found[row, level, column] == pytest.approx(sum(inside) / sum(weights), abs=1e-6)


def test_sets_that_are_rare_or_nearly_everything_are_not_tested(read: Slice, places: Places) -> None:
    assert {place for place, _ in places.columns} == {"token", "previous", "next"}
    assert all(SETS[at].name != "all" for _, at in places.columns)
    assert frequent_columns(read, [some_set("none", 99)], 1) == []
    first = places.columns.index(Column("previous", 3))
    assert places.base[first] == np.isin(read.tokens["previous"], SETS[3].ids).mean()


def test_the_strongest_firings_of_the_slice_come_in_order(read: Slice) -> None:
    firings = Firings(np.array([0, 3, 4, 10, 11, 20_000]), np.array([1.0, 9.0, 5.0, 5.0, 8.0, 7.0], np.float32))
    assert read.strongest(firings, 9).tolist() == [2, 5, 0]  # odd positions and later ones are no part of it
    assert read.strongest(firings, 1).tolist() == [2]


def test_random_directions_reach_their_own_null_as_often_as_it_says(
    values: np.ndarray, places: Places, null: ReadingNull
) -> None:
    directions = DirectionModel.isotropic(D).sample(600, [77])
    at = (directions @ torch.from_numpy(values.T)).topk(LEVELS[-1], dim=1).indices.numpy()
    shares = places.shares(at, LEVELS)
    for number in (0, 2, 5):
        level = np.full(600, number)
        p = null.p_values(shares[:, number], level)
        assert 0.03 < (p <= 0.05).mean() < 0.06
        best = null.family_p_values(shares[:, number], level).min(axis=1)
        assert 0.02 < (best <= 0.05).mean() < 0.08  # .05 with a standard error of .009
        assert not np.isnan(p).any() and p.min() > 0
    none = np.full(2, -1)
    assert np.isnan(null.p_values(shares[:2, 0], none)).all()
    assert np.isnan(null.family_p_values(shares[:2, 0], none)).all()


def test_a_set_without_a_firing_has_p_1(places: Places, null: ReadingNull) -> None:
    nothing = np.zeros((1, len(places.columns)), np.float32)
    assert (null.p_values(nothing, np.array([0])) == 1).all()


def test_a_feature_that_fires_on_all_of_a_set_is_found_and_one_that_fires_anywhere_is_not(
    read: Slice, places: Places, null: ReadingNull
) -> None:
    rng = np.random.default_rng(3)
    on_set = rng.permutation(np.flatnonzero(np.isin(read.tokens["token"], SETS[4].ids)))[:256]
    behind = rng.permutation(np.flatnonzero(np.isin(read.tokens["previous"], SETS[4].ids)))[:256]
    anywhere = rng.permutation(TOKENS)[:256]
    at = np.stack([on_set, behind, anywhere])
    level = np.full(3, LEVELS.index(256))
    p = null.family_p_values(places.shares(at, LEVELS)[:, LEVELS.index(256)], level)
    for row, where in enumerate(("token", "previous")):
        assert places.columns[int(p[row].argmin())] == Column(where, 4)
        assert p[row].min() <= 0.001
    assert p[2].min() > 0.05


def test_marked_tokens_have_the_shares_and_p_values_of_a_column_of_the_same_tokens(
    places: Places, null: ReadingNull
) -> None:
    rng = np.random.default_rng(5)
    at = np.stack([rng.permutation(TOKENS)[: LEVELS[-1]] for _ in range(20)])
    at[:4, 100:] = -1
    at[4, 3:] = -1
    readers = Strongest(at, np.array([LEVELS.index(64)] * 4 + [-1] + [len(LEVELS) - 1] * 15))
    shares = places.shares(at, LEVELS)[np.arange(20), np.maximum(readers.level, 0)]
    p = null.p_values(shares, readers.level)
    for column in (0, 7, 20):
        marked = places.marked(column)
        assert marked.mean() == places.base[column]
        found = readers.shares(marked)
        assert np.isnan(found[4]) and np.isnan(null.marked_p_values(readers, marked)[4])
        known = np.arange(20) != 4
        np.testing.assert_allclose(found[known], shares[known, column], atol=1e-6)
        # The null's bulk is interpolated between quantiles, its tail is counted.
        np.testing.assert_allclose(null.marked_p_values(readers, marked)[known], p[known, column], rtol=0.2, atol=0.03)
        assert (null.marked_p_values(readers, marked, 200)[known] >= 1 / 201).all()


def test_marked_p_values_count_directions(values: np.ndarray, null: ReadingNull) -> None:
    marked = np.zeros(TOKENS, bool)
    marked[np.random.default_rng(6).permutation(TOKENS)[:200]] = True
    readers = Strongest(np.flatnonzero(marked)[None, : LEVELS[0]], np.array([0]))
    directions = np.concatenate([DirectionModel.isotropic(D).sample(256, [1, 1, n]) for n in range(0, 2048, 256)])
    order = np.argsort(-(directions @ values.T), axis=1)[:, : LEVELS[0]]
    weights = np.arange(LEVELS[0], 0, -1)
    random = (marked[order] * weights).sum(axis=1) / weights.sum()
    assert readers.shares(marked) == pytest.approx([1.0])
    assert null.marked_p_values(readers, marked) == pytest.approx([((random >= 1).sum() + 1) / 2049])
    half = marked.copy()
    half[readers.at[0, 4:]] = False
    share = weights[:4].sum() / weights.sum()
    random = (half[order] * weights).sum(axis=1) / weights.sum()
    assert null.marked_p_values(readers, half) == pytest.approx([((random >= share - 1e-9).sum() + 1) / 2049])


def test_rank_weights_fall_evenly_and_sum_to_one() -> None:
    np.testing.assert_allclose(rank_weights(4), [0.4, 0.3, 0.2, 0.1])
    assert Strongest(np.array([[2, 0, 1, -1]]), np.array([-1])).weights(0, 3).tolist() == [0, 0, 0]


def test_totals_of_columns_are_sums_over_their_tokens(places: Places) -> None:
    own = np.random.default_rng(8).normal(size=TOKENS)
    expected = [own[places.marked(column)].sum() for column in range(len(places.columns))]
    np.testing.assert_allclose(places.total(own), expected)


def test_information_is_the_divergence_of_two_shares_and_prefers_what_holds_most_firings() -> None:
    expected = 0.83 * np.log(0.83 / 0.03) + 0.17 * np.log(0.17 / 0.97)
    found = information(np.array([0.83, 0.17, 0.03, 0.01, 1.0]), np.array([0.03, 0.002, 0.03, 0.03, 0.5]))
    assert found[0] == pytest.approx(expected) and found[0] > found[1] > 0
    assert found[2] == found[3] == 0 and found[4] == pytest.approx(np.log(2))


def test_places_hold_every_membership_once(read: Slice, places: Places) -> None:
    ends = dataclasses.replace(read, tokens={**read.tokens, "next": np.where(read.tokens["next"] < 9, -1, 3)})
    for of, own in ((places, read), (Places.of(ends, SETS, places.columns), ends)):
        inside = np.stack([np.isin(own.tokens[where], SETS[chosen].ids) for where, chosen in of.columns], axis=1)
        np.testing.assert_array_equal(np.diff(of.pointers), inside.sum(axis=1))
        np.testing.assert_array_equal(of.members, np.nonzero(inside)[1])
        np.testing.assert_array_equal(of.base, inside.mean(axis=0))
    assert Places.of(read, SETS, []).members.shape == (0,)
