"""The overview of a dictionary: skewness against kurtosis, coloured by standard deviation (Bloom & Lin 2024)."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from .figure import new_figure, write_title


def skewness_kurtosis(skewness: np.ndarray, kurtosis: np.ndarray, std: np.ndarray, *, title: str) -> Figure:
    """One dot per feature, arrays (F,); kurtosis is Pearson's (normal: 3), on a logarithmic axis.

    Features with NaN moments (constant weights) are left out and counted in the title.
    """
    shown = np.isfinite(skewness) & np.isfinite(kurtosis) & np.isfinite(std)
    low, high = np.percentile(std[shown], [1, 99]) if shown.any() else (0.0, 1.0)
    figure = new_figure(4.6)
    axes = figure.subplots()
    dots = axes.scatter(
        skewness[shown],
        kurtosis[shown],
        c=std[shown],
        s=7,
        cmap="viridis",
        vmin=low,
        vmax=high,
        linewidths=0,
        alpha=0.8,
        rasterized=True,
    )
    axes.set_yscale("log")
    axes.axhline(3, color="grey", linewidth=0.6, linestyle="--", zorder=0)
    axes.axvline(0, color="grey", linewidth=0.6, linestyle="--", zorder=0)
    axes.set_xlabel("skewness")
    axes.set_ylabel("kurtosis (normal: 3)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.colorbar(dots, label="standard deviation", extend="both", pad=0.02)
    left_out = "" if shown.all() else f", {np.count_nonzero(~shown):,} without moments left out"
    write_title(axes, f"{title} ({np.count_nonzero(shown):,} features{left_out})")
    return figure
