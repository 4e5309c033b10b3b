"""Enrichment of features in the sets of a library: every statistic with its nulls, as rows of the JSON contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .nulls import ES_P0, ES_P1, MASS, Statistic
from .results import EnrichmentRow, finite
from .statistics.directions import NULLS, mean_p_present, mean_p_specific
from .statistics.enrichment import EnrichmentScores
from .statistics.fdr import two_stage_q
from .statistics.ks_null import expected_absolute_es, log_p_one_sided
from .statistics.mass import SIDES
from .statistics.projection import standardise
from .statistics.ranks import descending_order
from .views import both_sides

if TYPE_CHECKING:
    from .workbench import Workbench

MEMBERS_SHOWN = 20


@dataclass(frozen=True)
class _Tested:
    """One statistic of a block of features: values and p-values by null, (F, 2, S); its scores where it has some."""

    values: np.ndarray
    p: dict[str, np.ndarray]
    scores: EnrichmentScores | None = None


class _Enrichment:
    """All statistics of all sets of a workbench's library on open tokens."""

    def __init__(self, workbench: Workbench) -> None:
        self._workbench = workbench
        self._view = workbench.views["open"]
        self._set_means = self._view.set_means(self._view.cut(workbench.unembedding))
        self._live = workbench.subject.decoder[workbench.subject.alive]
        self._model = workbench.decoder_model

    def test(self, features: np.ndarray) -> dict[str, _Tested]:
        """Every statistic of a block of features."""
        directions = self._workbench.subject.decoder[features]
        with self._workbench.lock:
            weights = self._view.cut(self._workbench.weights(directions))
            masses = self._view.masses(weights)
            return {
                "mass": _Tested(
                    masses[:, :, :-1], {n: p[:, :, :-1] for n, p in self._direction_p(MASS, masses).items()}
                ),
                "mean": self._mean(directions, weights),
                "es_p0": self._scores(ES_P0, self._view.enrichment(weights, 0)),
                "es_p1": self._scores(ES_P1, self._view.enrichment(weights, 1)),
            }

    def _direction_p(self, statistic: Statistic, values: np.ndarray) -> dict[str, np.ndarray]:
        return {null: self._workbench.nulls(null, statistic)["open"].p_values(values) for null in NULLS}

    def _scores(self, statistic: Statistic, scores: EnrichmentScores) -> _Tested:
        values = both_sides(scores)
        return _Tested(values, self._direction_p(statistic, values), scores)

    def _mean(self, directions: np.ndarray, weights: torch.Tensor) -> _Tested:
        membership = self._view.membership.to(weights.device)
        means = (standardise(weights) @ membership / membership.sum(dim=0)).cpu().numpy()
        values = np.stack([means, -means], axis=1)
        p = {
            "present": mean_p_present(directions, self._set_means),
            "specific": mean_p_specific(directions, self._set_means, self._model, self._live),
        }
        return _Tested(values, {null: np.where(np.isnan(values), np.nan, found) for null, found in p.items()})


def enrichment_rows(workbench: Workbench, features: np.ndarray, columns: np.ndarray) -> Iterator[list[EnrichmentRow]]:
    """Rows of one feature at a time, for the sets in `columns`.

    A q-value covers the whole library and all of these features, whichever sets are shown, so the features are passed
    over twice: once for every p-value, once for the rows.
    """
    enrichment = _Enrichment(workbench)
    parts = list(workbench.feature_blocks(features))
    p: dict[str, list[np.ndarray]] = {}
    for part in parts:
        for name, tested in enrichment.test(part).items():
            p.setdefault(name, []).append(tested.p["present"].reshape(len(part), -1))
    q = {name: two_stage_q(np.concatenate(blocks)) for name, blocks in p.items()}
    start = 0
    for part in parts:
        block = enrichment.test(part)
        weights = workbench.open_weights(workbench.subject.decoder[part])
        for row, feature in enumerate(part):
            writer = _RowWriter(workbench, int(feature), weights[row])
            yield [
                writer.row(int(column), name, side, tested, row, q[name][start + row])
                for column in columns
                for name, tested in block.items()
                for side in range(len(SIDES))
            ]
        start += len(part)


class _RowWriter:
    """Turns one feature's numbers into rows."""

    def __init__(self, workbench: Workbench, feature: int, open_weights: np.ndarray) -> None:
        self._workbench = workbench
        self._view = workbench.views["open"]
        self._feature = feature
        self._order = descending_order(open_weights[None])[0]
        self._rank = np.empty_like(self._order)
        self._rank[self._order] = np.arange(len(self._order), dtype=self._order.dtype)

    def row(self, column: int, name: str, side: int, tested: _Tested, index: int, q: np.ndarray) -> EnrichmentRow:
        """The row of one set, statistic and side; `q` (2 S,) are the feature's q-values of that statistic."""
        at = (index, side, column)
        size, tokens = int(self._view.sets.sizes[column]), len(self._view.tokens)
        fields: dict[str, Any] = {}
        value = finite(tested.values[at])
        if tested.scores is not None and value is not None:
            score = float(tested.scores.score[index, column])
            fields |= {
                "es": score,
                "es_pos": float(tested.scores.positive[index, column]),
                "es_neg": float(tested.scores.negative[index, column]),
                "leading_edge": self._leading_edge(tested.scores, index, column, side),
            }
            if name == "es_p0":
                fields["nes"] = score / expected_absolute_es(size, tokens)
                fields["p_random"] = float(np.exp(log_p_one_sided(value, size, tokens)))
        return EnrichmentRow.model_validate(
            fields
            | {
                "feature": self._feature,
                "set": self._workbench.sets[column].name,
                "size": size,
                "statistic": name,
                "side": SIDES[side],
                "value": value,
                "p_present": finite(tested.p["present"][at]),
                "p_specific": finite(tested.p["specific"][at]),
                "q": finite(q[side * len(self._workbench.sets) + column]),
            }
        )

    def _leading_edge(self, scores: EnrichmentScores, index: int, column: int, side: int) -> list[str]:
        """The members up to the peak of the running sum on one side, the most extreme 20 of them."""
        peak = int((scores.peak_positive, scores.peak_negative)[side][index, column])
        ranks = np.sort(self._rank[self._view.members(column)])
        if peak < 0:
            return []
        edge = ranks[ranks <= peak] if side == 0 else ranks[ranks > peak][::-1]
        return self._workbench.shown(self._order[edge[:MEMBERS_SHOWN]])
