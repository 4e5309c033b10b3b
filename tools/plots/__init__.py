"""Results as figures (matplotlib's object interface: no windows, no global state)."""

from __future__ import annotations

from .activation_heat import HeatText, activation_heat
from .figure import render, save
from .histogram import split_histogram
from .plot_data import PlotData
from .running_sum import running_sum_plot
from .skewness_kurtosis import skewness_kurtosis
from .walk import Walk

__all__ = [
    "HeatText",
    "PlotData",
    "Walk",
    "activation_heat",
    "render",
    "running_sum_plot",
    "save",
    "skewness_kurtosis",
    "split_histogram",
]
