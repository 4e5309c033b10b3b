"""One feature's ranking of open tokens split by a token set: as numbers, as pictures, and as what a viewer draws."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from .plots import PlotData, Walk, render, running_sum_plot, split_histogram
from .plots.plot_data import Plot
from .statistics.enrichment import Power
from .token_sets.spec import TokenSetSpec, parse_spec
from .workbench import Workbench

_NAME = 80  # characters of a written set in a title


@dataclass(frozen=True)
class FeaturePlot:
    """Centred logit weights of open tokens (V,) and the positions of a set's members among them."""

    workbench: Workbench
    feature: int
    set_name: str
    weights: np.ndarray
    members: np.ndarray

    @classmethod
    def of(cls, workbench: Workbench, feature: int, spec: TokenSetSpec | str, name: str | None = None) -> FeaturePlot:
        """The plot of a feature and a set, under its `name`; raises UsageError as `Workbench.ranking` does."""
        parsed = parse_spec(spec)
        name = name or parsed.library or parsed.to_json()
        shown = name if len(name) <= _NAME else f"{name[: _NAME - 1]}\u2026"
        return cls(workbench, feature, shown, *workbench.ranking(feature, parsed))

    @property
    def mask(self) -> np.ndarray:
        """Which open tokens are members, (V,) bool."""
        mask = np.zeros(len(self.weights), dtype=bool)
        mask[self.members] = True
        return mask

    def walk(self, power: Power = 0) -> Walk:
        """The walk down the ranking."""
        return self._plain_walk if power == 0 else Walk.down(self.weights, self.members, power)

    @functools.cached_property
    def _plain_walk(self) -> Walk:
        return Walk.down(self.weights, self.members, 0)

    @property
    def auroc(self) -> float:
        """Probability that a random member has a larger weight than a random other token."""
        ranks = self.walk().hits  # 0: the most promoted
        n, m = len(self.weights), len(ranks)
        above = (n - 1 - ranks).sum() - m * (m - 1) / 2  # other tokens below each member
        return float(above / (m * (n - m)))

    @property
    def title(self) -> str:
        """Which feature of what."""
        return f"{self.workbench.subject.name}, feature {self.feature}: logit weights of open tokens"

    def figure(self, plot: Plot, power: Power = 0) -> Figure:
        """The plot as a figure."""
        if plot == "histogram":
            return split_histogram(self.weights, self.mask, title=self.title, set_name=self.set_name)
        walk = self.walk(power)
        return running_sum_plot(
            walk.running,
            walk.hits,
            walk.weights,
            es_positive=walk.es_positive,
            es_negative=walk.es_negative,
            title=self.title,
            set_name=self.set_name,
        )

    def png(self, plot: Plot) -> bytes:
        """The plot as a PNG."""
        return render(self.figure(plot))

    def data(self, plot: Plot) -> PlotData:
        """What a viewer draws."""
        return PlotData.of(
            self.weights,
            self.members,
            self.walk(),
            self.workbench.shown,
            plot=plot,
            title=self.title,
            set_name=self.set_name,
        )
