"""Split histogram: the logit weights of a set's members beside those of all other tokens."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from ..errors import UsageError
from .figure import MEMBERS, OTHERS, new_figure, write_legend, write_title
from .reduction import FEW, bin_edges


def split_histogram(weights: np.ndarray, member_mask: np.ndarray, *, title: str, set_name: str) -> Figure:
    """Histogram of `weights` (V,) split by `member_mask` (V,), each group a density of its own.

    Raises UsageError when the set has no member or no token is outside it.
    """
    members, others = weights[member_mask], weights[~member_mask]
    if not members.size or not others.size:
        raise UsageError(f"Set {set_name} holds {members.size} of {weights.size} tokens: a split needs two groups.")
    edges = bin_edges(members, others).tolist()
    figure = new_figure()
    axes = figure.subplots()
    for group, colour, name in ((others, OTHERS, "other tokens"), (members, MEMBERS, set_name)):
        label = f"{name} ({group.size:,})"
        axes.hist(group, edges, density=True, histtype="stepfilled", color=colour, alpha=0.3)
        axes.hist(group, edges, density=True, histtype="step", color=colour, linewidth=1.2, label=label)
    if members.size <= FEW:
        axes.eventplot(
            members,
            lineoffsets=-0.035,
            linelengths=0.05,
            colors=MEMBERS,
            linewidths=0.7,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )
        axes.tick_params(axis="x", pad=12)
    axes.axvline(0, color="grey", linewidth=0.6, zorder=0)
    axes.set_xlabel("logit weight")
    axes.set_ylabel("density (each group: area 1)")
    axes.spines[["top", "right"]].set_visible(False)
    write_title(axes, title)
    write_legend(axes)
    return figure
