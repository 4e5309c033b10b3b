from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.collections import EventCollection, PathCollection
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from tsea.tools.errors import UsageError
from tsea.tools.plots import render, running_sum_plot, save, skewness_kurtosis, split_histogram

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=2000).astype(np.float32)
MEMBERS = np.arange(2000) < 50


def legend_of(figure: Figure) -> list[str]:
    legend = figure.axes[0].get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def histogram() -> Figure:
    return split_histogram(WEIGHTS, MEMBERS, title="feature 7", set_name="digits")


def test_a_split_histogram_counts_both_groups_and_gives_each_area_one() -> None:
    figure = histogram()
    assert legend_of(figure) == ["other tokens (1,950)", "digits (50)"]
    outlines = [patch for patch in figure.axes[0].patches if isinstance(patch, Polygon)]
    assert len(outlines) == 4  # filled and outlined, two groups
    for outline in outlines:
        x, y = np.asarray(outline.get_xy()).T
        assert abs(np.trapezoid(y, x)) == pytest.approx(1, rel=1e-5)


def test_few_members_are_also_drawn_one_by_one() -> None:
    (ticks,) = [drawn for drawn in histogram().axes[0].collections if isinstance(drawn, EventCollection)]
    np.testing.assert_allclose(np.sort(ticks.get_positions()), np.sort(WEIGHTS[MEMBERS]))
    crowded = split_histogram(WEIGHTS, ~MEMBERS, title="feature 7", set_name="all but digits")
    assert not crowded.axes[0].collections


@pytest.mark.parametrize("members", [np.zeros(2000, bool), np.ones(2000, bool)], ids=["none", "all"])
def test_a_split_needs_two_groups(members: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"Set odd holds \d+ of 2000 tokens"):
        split_histogram(WEIGHTS, members, title="feature 7", set_name="odd")


def test_constant_weights_can_be_drawn() -> None:
    render(split_histogram(np.zeros(2000), MEMBERS, title="feature 7", set_name="digits"))


def running_sum(n_hits: int, n_tokens: int = 5000) -> tuple[Figure, np.ndarray]:
    hits = np.arange(n_hits)  # the best possible ranking: all members first
    running = np.full(n_tokens, -1 / (n_tokens - n_hits))
    running[hits] = 1 / n_hits
    weights = np.linspace(1, -1, n_tokens)
    running = np.cumsum(running)
    figure = running_sum_plot(
        running, hits, weights, es_positive=1.0, es_negative=0.0, title="feature 7", set_name="digits"
    )
    return figure, running


def test_a_running_sum_plot_marks_the_peak_and_leaves_out_a_score_of_zero() -> None:
    figure, running = running_sum(40)
    assert legend_of(figure) == ["ES+ +1.000 at rank 40"]
    curve = figure.axes[0].get_lines()[0]
    ranks = np.asarray(curve.get_xdata())
    np.testing.assert_array_equal(curve.get_ydata(), running[ranks])
    assert {0, 39, 4999} <= set(ranks)
    assert ranks.size <= 1002
    (hits,) = [drawn for drawn in figure.axes[1].collections if isinstance(drawn, EventCollection)]
    np.testing.assert_array_equal(hits.get_positions(), np.arange(40))


def test_many_hits_are_drawn_as_a_profile() -> None:
    figure, _ = running_sum(2000)
    assert not figure.axes[1].collections
    assert len(figure.axes[1].patches) == 200


def test_the_overview_shows_finite_features_and_counts_the_others() -> None:
    skewness, kurtosis, std = RNG.normal(size=100), RNG.gamma(3, size=100), RNG.gamma(3, size=100)
    skewness[:2] = np.nan
    figure = skewness_kurtosis(skewness, kurtosis, std, title="pocket")
    assert figure.axes[0].get_title("left") == "pocket (98 features, 2 without moments left out)"
    (dots,) = [drawn for drawn in figure.axes[0].collections if isinstance(drawn, PathCollection)]
    np.testing.assert_allclose(np.asarray(dots.get_offsets()), np.stack([skewness, kurtosis], 1)[2:])
    np.testing.assert_allclose(np.asarray(dots.get_array()), std[2:])
    assert figure.axes[0].get_yscale() == "log"


def test_text_is_drawn_as_it_stands_and_escaped_where_the_font_has_no_sign() -> None:
    figure = split_histogram(WEIGHTS, MEMBERS, title="promotes $x_1$, \u2423the and \u65e5", set_name="$a$_b")
    assert figure.axes[0].get_title("left") == "promotes $x_1$, \u2423the and \\u65e5"
    assert legend_of(figure)[1] == "$a$_b (50)"
    render(figure)  # a missing sign or a formula would warn, and warnings are errors here


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_the_ending_chooses_the_format(ending: str, start: bytes, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"picture.{ending.upper()}"
    save(histogram(), path)
    assert path.read_bytes().startswith(start)
    assert path.stat().st_size < 200_000


def test_the_same_figure_gives_the_same_file() -> None:
    assert render(histogram(), "svg") == render(histogram(), "svg")


def test_a_picture_has_marks_in_both_colours() -> None:
    pixels = np.asarray(image.imread(io.BytesIO(render(histogram()))))[..., :3]
    for colour in ("d55e00", "0072b2"):
        wanted = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        assert np.count_nonzero(np.abs(pixels - wanted).max(axis=2) < 0.02) > 100


@pytest.mark.parametrize("name", ["picture.jpeg", "picture"])
def test_another_ending_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="png, svg, pdf"):
        save(histogram(), tmp_path / name)
    assert os.listdir(tmp_path) == []
