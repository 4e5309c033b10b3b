"""Results as figures (matplotlib's object interface: no windows, no global state)."""

from __future__ import annotations

from .activation_heat import HeatText, activation_heat
from .coverage_score import CoverageCurve, coverage_score
from .figure import render, save
from .histogram import split_histogram
from .paired_differences import Line, paired_differences
from .plot_data import PlotData
from .running_sum import running_sum_plot
from .skewness_kurtosis import skewness_kurtosis
from .walk import Walk

__all__ = [
    "CoverageCurve",
    "HeatText",
    "Line",
    "PlotData",
    "Walk",
    "activation_heat",
    "coverage_score",
    "paired_differences",
    "render",
    "running_sum_plot",
    "save",
    "skewness_kurtosis",
    "split_histogram",
]
