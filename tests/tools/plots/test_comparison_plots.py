"""Figures of comparisons draw what they are given, and nothing that names hold."""

from __future__ import annotations

import pytest

from tsea.tools.plots import CoverageCurve, Line, coverage_score, paired_differences, render


def test_intervals_that_leave_out_0_stand_out() -> None:
    lines = [Line("output", 0.1, (0.05, 0.15)), Line("$x_1$", -0.1, (-0.2, 0.1)), Line("one feature", 0.3, None)]
    figure = paired_differences(lines, title="b beside a")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["output", "$x_1$", "one feature"]
    clear, other, alone = (axes.lines[place] for place in (1, 3, 4))
    assert [float(dot.get_xdata()[0]) for dot in (clear, other, alone)] == [0.1, -0.1, 0.3]  # type: ignore[index]
    assert clear.get_color() != other.get_color() == alone.get_color()
    assert render(figure).startswith(b"\x89PNG")


def test_curves_end_in_the_score_with_abstentions_as_chance() -> None:
    curves = [CoverageCurve("a_$b", [0.2, 0.6], [0.9, 0.8], 0.7), CoverageCurve("silent", [], [], 0.5)]
    figure = coverage_score(curves, title="output")
    (axes,) = figure.axes
    drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]  # type: ignore[call-overload]
    assert drawn == [([0.2, 0.6], [0.9, 0.8]), ([1.0], [0.7]), ([], []), ([1.0], [0.5])]
    assert render(figure) == render(figure)
    legend = axes.get_legend()
    assert legend is not None and [text.get_text() for text in legend.get_texts()] == ["a_$b", "silent"]


@pytest.mark.parametrize("count", [1, 30])
def test_figures_grow_with_their_lines(count: int) -> None:
    figure = paired_differences([Line(f"scorer {i}", 0.1, (0.0, 0.2)) for i in range(count)], title="t")
    assert figure.get_figheight() == pytest.approx(1.2 + 0.3 * count)
