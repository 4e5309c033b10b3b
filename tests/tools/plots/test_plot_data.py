from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsea.tools.errors import UsageError
from tsea.tools.plots import PlotData, Walk
from tsea.tools.plots.reduction import bin_edges, outline

LIMIT = 60_000  # bytes of JSON


def plot_data(
    weights: Sequence[float] | np.ndarray, members: Sequence[int] | np.ndarray, text: str = "token"
) -> PlotData:
    row, positions = np.asarray(weights, dtype=np.float32), np.asarray(members)
    walk = Walk.down(row, positions, 0)
    return PlotData.of(
        row,
        positions,
        walk,
        lambda places: [f"{text}{place}" for place in places],
        plot="histogram",
        title="feature 7",
        set_name="digits",
    )


def drawn_at_random(n_tokens: int, n_members: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    weights = rng.normal(scale=0.1, size=n_tokens)
    members = np.sort(rng.choice(n_tokens, n_members, replace=False))
    weights[members] += 0.1
    return weights.astype(np.float32), members


def test_a_walk_worked_out_by_hand() -> None:
    # By rank: tokens 3, 1, 0, 2; members 1 and 3 come first, each a rise of 1/2; the others fall by 1/2.
    data = plot_data([0.0, 1.0, -3.0, 2.0], [1, 3])
    assert data.curve.ranks == [0, 1, 2, 3]
    assert data.curve.tokens == ["token3", "token1", "token0", "token2"]
    assert data.curve.weights == [2.0, 1.0, 0.0, -3.0]
    assert data.curve.hits == [True, True, False, False]
    assert data.curve.running == [0.5, 1.0, 0.5, 0.0]
    assert [(peak.rank, peak.score) for peak in data.peaks] == [(1, 1.0)]
    assert (data.members.tokens, data.members.ranks) == (["token3", "token1"], [0, 1])
    assert (data.n_tokens, data.inside.size, data.outside.size) == (4, 2, 2)


@given(st.integers(2, 400), st.integers(1, 399), st.integers(0, 9))
def test_bins_hold_every_token_once_and_each_area_is_one(n_tokens: int, n_members: int, seed: int) -> None:
    weights, members = drawn_at_random(n_tokens, min(n_members, n_tokens - 1), seed)
    data = plot_data(weights, members)
    for group in (data.inside, data.outside):
        assert sum(group.counts) == group.size
        assert np.sum(np.diff(data.edges) * group.density) == pytest.approx(1, rel=1e-4)
    assert data.inside.size + data.outside.size == n_tokens
    if not data.profile:  # every member is named: those named in a bin are those counted there
        assert np.bincount(data.members.bins, minlength=len(data.edges) - 1).tolist() == data.inside.counts


def test_weights_that_are_all_equal_make_one_bar_and_no_running_sum() -> None:
    data = plot_data(np.zeros(50), np.arange(10))
    assert [count for count in data.inside.counts if count] == [10]
    assert data.curve.ranks == data.curve.running == data.peaks == []
    json.loads(data.model_dump_json())  # no NaN in it


def test_the_outline_keeps_both_ends_and_the_extremes() -> None:
    weights, members = drawn_at_random(50_257, 2_000)
    walk = Walk.down(weights, members, 0)
    curve = plot_data(weights, members).curve
    assert len(curve.ranks) <= 504
    assert {0, 50_256, int(walk.running.argmax()), int(walk.running.argmin())} <= set(curve.ranks)
    np.testing.assert_allclose(curve.running, walk.running[curve.ranks], rtol=1e-5)
    assert all(peak.rank in curve.ranks for peak in plot_data(weights, members).peaks)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=300), st.integers(2, 60))
def test_no_stretch_of_an_outline_hides_a_spike(values: list[float], points: int) -> None:
    curve = np.array(values)
    kept = outline(curve, points)
    assert {0, curve.size - 1} <= set(kept)
    assert curve[kept].max() == curve.max()
    assert curve[kept].min() == curve.min()
    assert kept.size <= points + 2


def test_of_many_members_the_most_extreme_are_named_and_all_are_counted() -> None:
    weights, members = drawn_at_random(50_257, 2_000)
    data = plot_data(weights, members)
    assert sum(data.profile) == 2_000
    assert len(data.members.tokens) == 300
    extreme = np.sort(np.abs(weights[members]))[-300:]
    np.testing.assert_allclose(np.sort(np.abs(data.members.weights)), extreme, rtol=1e-5)
    assert data.members.ranks == sorted(data.members.ranks)


def test_few_members_are_all_named() -> None:
    weights, members = drawn_at_random(5_000, 300)
    data = plot_data(weights, members)
    assert data.profile == []
    assert sorted(data.members.tokens) == sorted(f"token{place}" for place in members)


@pytest.mark.parametrize("character", ["a", "\\", '"', "\u65e5", "\U0001f600", "\x07"])
@pytest.mark.parametrize("n_members", [300, 20_000])
def test_the_data_stay_small_whatever_tokens_are_called(character: str, n_members: int) -> None:
    weights, members = drawn_at_random(256_000, n_members)
    data = plot_data(weights, members, text=character * 200)
    assert len(data.model_dump_json().encode()) < LIMIT
    assert all(token.startswith(character) and token.endswith("…") for token in data.curve.tokens)


def test_long_titles_are_cut() -> None:
    weights, members = drawn_at_random(100, 10)
    walk = Walk.down(weights, members, 0)
    data = PlotData.of(
        weights,
        members,
        walk,
        lambda places: ["a"] * len(places),
        plot="running_sum",
        title="t" * 5000,
        set_name="s" * 300,
    )
    assert (len(data.title), data.title[-1]) == (298, "…")  # three bytes of it are the ellipsis
    assert data.set_name == "s" * 300


@pytest.mark.parametrize("members", [[], [0, 1, 2]], ids=["none", "all"])
def test_a_split_needs_two_groups(members: list[int]) -> None:
    weights = np.array([1, 2, 3], dtype=np.float32)
    walk = Walk.down(weights, np.array([0]), 0)
    with pytest.raises(UsageError, match=r"Set odd holds \d of 3 tokens"):
        PlotData.of(
            weights,
            np.array(members, dtype=int),
            walk,
            lambda places: ["a"] * len(places),
            plot="histogram",
            title="t",
            set_name="odd",
        )


def test_bins_are_as_many_as_the_smaller_group_allows() -> None:
    weights = np.linspace(-1, 1, 1000)
    assert [bin_edges(weights[:n], weights[n:]).size - 1 for n in (4, 100, 500, 996)] == [20, 40, 80, 20]
