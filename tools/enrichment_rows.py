"""Rows of the JSON contract from the numbers of enrichment: of one feature, thousands of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .results import EnrichmentRow
from .statistics.enrichment import EnrichmentScores
from .statistics.mass import SIDES
from .statistics.p_values import PValues
from .statistics.ranks import descending_order

if TYPE_CHECKING:
    from .workbench import Workbench

MEMBERS_SHOWN = 20


@dataclass(frozen=True)
class Tested:
    """One statistic of a block of features on S sets; `scores` and `nes` (F, S) where it is an enrichment score."""

    values: np.ndarray  # (F, 2, S)
    p: dict[str, PValues]  # (F, 2, S) by null: random where that null is at hand, present, specific
    scores: EnrichmentScores | None = None
    nes: np.ndarray | None = None


class RowWriter:
    """Turns one feature's numbers into rows; `explained` names the explaining set by side and column."""

    def __init__(
        self,
        workbench: Workbench,
        inflation: np.ndarray,
        feature: int,
        open_weights: np.ndarray,
        explained: Mapping[tuple[int, int], str],
    ) -> None:
        self._workbench, self._inflation, self._explained = workbench, inflation, explained
        self._view = workbench.views["open"]
        self._feature = feature
        self._order = descending_order(open_weights[None])[0]
        self._rank = np.empty_like(self._order)
        self._rank[self._order] = np.arange(len(self._order), dtype=self._order.dtype)
        self._shown: dict[int, str] = {}  # tokens by rank

    def rows(
        self, columns: np.ndarray, block: Mapping[str, Tested], index: int, q: Mapping[str, np.ndarray], own: np.ndarray
    ) -> list[EnrichmentRow]:
        """Every statistic and side of the sets in `columns`, of the feature at `index` of a block.

        `q` (2 S,) are its q-values by statistic, `own` (S,) says which sets were made from it.
        """
        # Lists once a feature: to take single numbers out of arrays would cost more than all the tests.
        numbers = {name: _numbers(tested, index, q[name], columns) for name, tested in block.items()}
        peaks = {name: _peaks(tested.scores, index, columns) for name, tested in block.items() if tested.scores}
        rows: list[EnrichmentRow] = []
        for place, column in enumerate(columns.tolist()):
            common = {
                "feature": self._feature,
                "set": self._workbench.sets[column].name,
                "size": int(self._view.sets.sizes[column]),
                "inflation": float(self._inflation[column]),
                "circular": bool(own[column]),
            }
            ranks = np.sort(self._rank[self._view.members(column)]) if peaks else None
            for name in block:
                for side, side_name in enumerate(SIDES):
                    fields: dict[str, Any] = {key: by_side[side][place] for key, by_side in numbers[name].items()}
                    fields |= {"statistic": name, "side": side_name}
                    if name == "mass":
                        fields["explained_by"] = self._explained.get((side, column))
                    if ranks is not None and name in peaks and fields["value"] is not None:
                        fields["leading_edge"] = self._leading_edge(ranks, peaks[name][side][place], side)
                    rows.append(EnrichmentRow.model_validate(common | fields))
        return rows

    def _leading_edge(self, ranks: np.ndarray, peak: int, side: int) -> list[str]:
        """The members, given by ascending rank, up to the peak of the running sum on one side: the most extreme 20."""
        if peak < 0:
            return []
        inside = int(np.searchsorted(ranks, peak, side="right"))
        edge = (
            ranks[: min(inside, MEMBERS_SHOWN)] if side == 0 else ranks[max(inside, len(ranks) - MEMBERS_SHOWN) :][::-1]
        )
        wanted = edge.tolist()
        if missing := [rank for rank in wanted if rank not in self._shown]:
            self._shown |= zip(missing, self._workbench.shown(self._order[missing]), strict=True)
        return [self._shown[rank] for rank in wanted]


def _numbers(tested: Tested, index: int, q: np.ndarray, columns: np.ndarray) -> dict[str, list[list[float | None]]]:
    """Numeric fields of a feature's rows, each by side and column; None where a number is not finite."""
    arrays: dict[str, np.ndarray] = {"value": tested.values[index], "q": q.reshape(len(SIDES), -1)}
    for null, found in tested.p.items():
        arrays |= {f"p_{null}": found.p[index], f"error_{null}": found.log10_error[index]}
    if tested.scores is not None and tested.nes is not None:
        positive, negative = tested.scores.positive[index], tested.scores.negative[index]
        es = np.where(positive >= -negative, positive, negative)
        of_set = {"es": es, "es_pos": positive, "es_neg": negative, "nes": tested.nes[index]}
        arrays |= {name: np.stack([values] * len(SIDES)) for name, values in of_set.items()}
    chosen = {name: values[:, columns] for name, values in arrays.items()}
    return {name: np.where(np.isfinite(of), of.astype(object), np.array(None)).tolist() for name, of in chosen.items()}


def _peaks(scores: EnrichmentScores, index: int, columns: np.ndarray) -> list[list[int]]:
    """Ranks of the running sum's peaks by side and column."""
    return [peak[index, columns].tolist() for peak in (scores.peak_positive, scores.peak_negative)]
