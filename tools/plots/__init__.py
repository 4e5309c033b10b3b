"""Results as figures (matplotlib's object interface: no windows, no global state)."""

from __future__ import annotations

from .figure import render, save
from .histogram import split_histogram
from .running_sum import running_sum_plot
from .skewness_kurtosis import skewness_kurtosis

__all__ = ["render", "running_sum_plot", "save", "skewness_kurtosis", "split_histogram"]
