"""Coverage-score curves: the mean score as ever less confident labels are taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from .figure import drawable, new_figure, write_legend, write_title

# Okabe and Ito's palette, as the other figures have it.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333")
_DASHES = ("-", (0, (4, 2)), (0, (1, 1)), (0, (4, 2, 1, 2)))


@dataclass(frozen=True)
class CoverageCurve:
    """A name, coverages with the score at each, and the score of everything with abstentions at chance."""

    name: str
    coverage: Sequence[float]
    score: Sequence[float]
    everything: float


def coverage_score(curves: Sequence[CoverageCurve], *, title: str, chance: float | None = None) -> Figure:
    """A line for each curve; the ring at coverage 1 counts labels that say nothing as chance, a dotted line.

    Curves that lie on each other are told apart by their dashes.
    """
    figure = new_figure()
    axes = figure.subplots()
    for number, curve in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        style: dict[str, Any] = {"color": colour, "marker": ".", "markersize": 4, "linewidth": 1.4}
        style["linestyle"] = _DASHES[number % len(_DASHES)]
        axes.plot(curve.coverage, curve.score, label=drawable(curve.name), **style)
        axes.plot([1.0], [curve.everything], "o", color=colour, markerfacecolor="none", clip_on=False)
    if chance is not None:
        axes.axhline(chance, color="grey", linewidth=1, linestyle=":", label="chance")
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of features taken, the most confident first")
    axes.set_ylabel("mean score")
    axes.spines[["top", "right"]].set_visible(False)
    write_legend(axes)
    write_title(axes, title)
    return figure
