"""The plot known from gene set enrichment analysis: running sum, members by rank, ranked weights."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from .figure import INK, MEMBERS, OTHERS, new_figure, write_legend, write_title
from .reduction import PROFILE, VISIBLE, outline, peak_rank

_POINTS = 1000  # more could not be told apart at the width of the figure


def running_sum_plot(
    running: np.ndarray,
    hits: np.ndarray,
    ranked_weights: np.ndarray,
    *,
    es_positive: float,
    es_negative: float,
    title: str,
    set_name: str,
) -> Figure:
    """Walk down the ranking, from the most promoted token to the most suppressed one.

    `running` (V,) is the running sum by rank, `hits` the ranks of the set's members (0 is the most promoted),
    `ranked_weights` (V,) the logit weights by rank.
    """
    figure = new_figure(4.6)
    top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[6, 1, 2.5])
    ranks = outline(running, _POINTS)
    top.plot(ranks, running[ranks], color=INK, linewidth=1.3)
    top.axhline(0, color="grey", linewidth=0.6)
    for score, name, colour in ((es_positive, "ES+", MEMBERS), (es_negative, "ES-", OTHERS)):
        if abs(score) < VISIBLE:
            continue
        peak = peak_rank(running, score)
        label = f"{name} {score:+.3f} at rank {peak + 1:,}"
        top.plot([peak, peak], [0, score], color=colour, linewidth=1.3, linestyle="--", label=label)
    top.set_ylabel("running sum")
    if hits.size <= _POINTS:
        middle.eventplot(hits, colors=MEMBERS, linewidths=0.6)
    else:
        middle.hist(hits, bins=PROFILE, range=(0, running.size), color=MEMBERS)
    middle.set_yticks([])
    middle.set_ylabel("hits", rotation=0, ha="right", va="center")
    ranks = outline(ranked_weights, _POINTS)
    bottom.fill_between(ranks, ranked_weights[ranks], color="grey", alpha=0.6, linewidth=0)
    bottom.set_ylabel("logit weight")
    bottom.set_xlabel(f"rank among {running.size:,} tokens, most promoted first")
    bottom.set_xlim(0, running.size)
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
    figure.align_ylabels([top, bottom])
    write_title(top, f"{title}: {set_name} ({hits.size:,} tokens)")
    if top.get_legend_handles_labels()[1]:
        write_legend(top)
    return figure
