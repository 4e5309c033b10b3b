"""Differences between two ways of labeling, with their intervals, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from .figure import INK, MEMBERS, OTHERS, drawable, new_figure, write_title


@dataclass(frozen=True)
class Line:
    """A name, a difference, and its interval where there is one."""

    name: str
    difference: float
    interval: tuple[float, float] | None


def paired_differences(lines: Sequence[Line], *, title: str) -> Figure:
    """Dots with intervals around a line at 0, the first at the top; those whose interval leaves out 0 stand out."""
    figure = new_figure(1.2 + 0.3 * len(lines))
    axes = figure.subplots()
    for place, line in enumerate(lines):
        clear = line.interval is not None and (line.interval[0] > 0 or line.interval[1] < 0)
        if line.interval is not None:
            axes.plot(line.interval, (place, place), color=MEMBERS if clear else OTHERS, linewidth=2)
        axes.plot([line.difference], [place], "o", color=MEMBERS if clear else OTHERS, markersize=5)
    axes.axvline(0, color=INK, linewidth=0.8, linestyle="--", zorder=0)
    axes.set_yticks(range(len(lines)), [drawable(line.name) for line in lines], fontsize=8, parse_math=False)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlabel("difference in score")
    axes.spines[["top", "right"]].set_visible(False)
    write_title(axes, title)
    return figure
