"""Enrichment of features in the sets of a library: every statistic with its nulls, as rows of the JSON contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from .directions import direction_model
from .enrichment_rows import RowWriter, Tested
from .nulls import MASS, RANK_STATISTICS, RANKED, DirectionNull, Statistic
from .results import EnrichmentRow
from .statistics.directions import NULLS, MeanNull, NullName, mean_p_present
from .statistics.enrichment import EnrichmentScores
from .statistics.fdr import two_stage_q
from .statistics.inflation import mean_square_norm, variance_inflation
from .statistics.mass import SIDES, side_weights
from .statistics.p_values import PValues
from .statistics.projection import logit_weights, standardise
from .statistics.random_set_null import RandomSetTests, random_set_tests
from .statistics.threads import by_rows
from .subject.subject import Subject
from .views import View, ViewName, ranked_values

if TYPE_CHECKING:
    from .workbench import Workbench

HIT = 0.05


class _Measured(NamedTuple):
    """What some directions give before reference directions are asked."""

    masses: np.ndarray  # (F, 2, S + 1)
    means: np.ndarray  # (F, S)
    ranked: np.ndarray  # (F, 2, 3 S), as ranked_values has it
    scores: dict[str, EnrichmentScores]
    by_chance: RandomSetTests


class Enrichment:
    """All statistics of all sets of a view, each under every null; `nulls` gives the direction nulls of a statistic."""

    def __init__(
        self, subject: Subject, view: View, nulls: Callable[[NullName, Statistic], dict[ViewName, DirectionNull]]
    ) -> None:
        self._view, self._nulls = view, nulls
        self._columns, self._whitened = (
            view.columns(matrix).to(subject.device) for matrix in (subject.unembedding, subject.whitened)
        )
        self._set_means = view.set_means(self._columns)
        token_square = mean_square_norm(self._columns.cpu().numpy())
        self.inflation = variance_inflation(self._set_means, view.sets.sizes, token_square)  # (S,)
        model = direction_model(subject, "specific")
        self._specific = MeanNull(self._set_means, model, subject.decoder[subject.alive])

    def mass(self, directions: np.ndarray) -> dict[str, Tested]:
        """The mass alone of a block of directions (F, D)."""
        whitened = logit_weights(torch.from_numpy(directions), self._whitened)
        parts = by_rows(lambda part: self._view.masses(standardise(part)), whitened)
        return {"mass": self._mass(np.concatenate(parts))}

    def test(self, directions: np.ndarray) -> dict[str, Tested]:
        """Every statistic of a block of directions (F, D)."""
        rows = torch.from_numpy(directions)
        whitened, weights = logit_weights(rows, self._whitened), logit_weights(rows, self._columns)
        parts = by_rows(self._measured, whitened, weights)
        found = _Measured(
            np.concatenate([part.masses for part in parts]),
            np.concatenate([part.means for part in parts]),
            np.concatenate([part.ranked for part in parts]),
            {power: EnrichmentScores.joined([part.scores[power] for part in parts]) for power in parts[0].scores},
            RandomSetTests.joined([part.by_chance for part in parts]),
        )
        tested = {"mass": self._mass(found.masses), "mean": self._mean(directions, found.means)}
        return tested | self._ranked(found)

    def _mass(self, masses: np.ndarray) -> Tested:
        in_sets = {null: _columns(p, slice(-1)) for null, p in self._direction_p(MASS, masses).items()}
        return Tested(masses[:, :, :-1], in_sets)

    def _measured(self, whitened: torch.Tensor, weights: torch.Tensor) -> _Measured:
        view, standardised = self._view, standardise(weights)
        scores = view.ranked(standardised)
        return _Measured(
            view.masses(standardise(whitened)),
            view.means(standardised),
            ranked_values(scores),
            {"es_p0": scores.p0, "es_p1": scores.p1},
            random_set_tests(scores, view.sets.sizes),
        )

    def _direction_p(self, statistic: Statistic, values: np.ndarray) -> dict[str, PValues]:
        return {null: self._nulls(null, statistic)["open"].estimate(values) for null in NULLS}

    def _mean(self, directions: np.ndarray, means: np.ndarray) -> Tested:
        values = np.stack([means, -means], axis=1)
        p = {"present": mean_p_present(directions, self._set_means), "specific": self._specific.p_values(directions)}
        unknown = np.isnan(values)
        return Tested(values, {null: PValues.exact(np.where(unknown, np.nan, found)) for null, found in p.items()})

    def _ranked(self, found: _Measured) -> dict[str, Tested]:
        sets, p = len(self._view.sets), self._direction_p(RANKED, found.ranked)
        tested: dict[str, Tested] = {}
        for place, name in enumerate(RANK_STATISTICS):
            own = slice(place * sets, (place + 1) * sets)
            tested[name] = Tested(
                found.ranked[:, :, own],
                {"random": found.by_chance.p[name]} | {null: _columns(of, own) for null, of in p.items()},
                found.scores.get(name),
                found.by_chance.nes.get(name),
            )
        return tested


def _columns(found: PValues, columns: slice) -> PValues:
    return PValues(found.p[:, :, columns], found.log10_error[:, :, columns])


def enrichment_rows(
    workbench: Workbench, features: np.ndarray, columns: np.ndarray, *, mass_only: bool = False
) -> Iterator[list[EnrichmentRow]]:
    """Rows of one feature at a time, for the sets in `columns`; a set made from the feature itself gets no p.

    A q-value covers the whole library and all of these features, whichever sets are shown, so more than one block of
    features are passed over twice: once for every p-value, once for the rows.
    """
    enrichment = workbench.enrichment
    test = enrichment.mass if mass_only else enrichment.test
    decoder = workbench.subject.decoder

    def tested_block(part: np.ndarray) -> dict[str, Tested]:
        block, own = test(decoder[part]), workbench.circular(decoder[part])
        for tested in block.values():
            for found in tested.p.values():
                for values in (found.p, found.log10_error):
                    values.swapaxes(1, 2)[own] = np.nan
        return block

    parts = list(workbench.feature_blocks(features))
    p: dict[str, list[np.ndarray]] = {}
    only: dict[str, Tested] | None = None
    for number, part in enumerate(parts):
        block = tested_block(part)
        only = block if len(parts) == 1 else None
        for name, tested in block.items():
            p.setdefault(name, []).append(tested.p["present"].p.reshape(len(part), -1))
        workbench.progress("blocks of features tested", number + 1, len(parts))
    q = {name: two_stage_q(np.concatenate(blocks)) for name, blocks in p.items()}
    redundancy = _Redundant(workbench, q["mass"])
    start = 0
    for part in parts:
        block, weights = only or tested_block(part), workbench.open_weights(decoder[part])
        own = workbench.circular(decoder[part])
        for row, feature in enumerate(part):
            explained = redundancy.explained(int(feature), start + row)
            writer = RowWriter(workbench, enrichment.inflation, int(feature), weights[row], explained)
            yield writer.rows(columns, block, row, {name: q[name][start + row] for name in block}, own[row])
        start += len(part)


class _Redundant:
    """Which mass hits, by q (F, 2 S), are explained by stronger ones of their feature."""

    def __init__(self, workbench: Workbench, q: np.ndarray) -> None:
        self._workbench = workbench
        self._q = np.nan_to_num(q.reshape(len(q), len(SIDES), -1), nan=1.0)

    def explained(self, feature: int, row: int) -> dict[tuple[int, int], str]:
        """Name of the explaining set by side and column, of one feature's hits."""
        hits = self._q[row] <= HIT
        if (hits.sum(axis=1) < 2).all():
            return {}
        sides = side_weights(self._workbench.mass_weights(self._workbench.subject.decoder[[feature]]))[0]
        found: dict[tuple[int, int], str] = {}
        for side in range(len(SIDES)):
            correlations = self._workbench.redundancy.correlations(sides[[side]])[0]
            columns = np.flatnonzero(hits[side])
            strongest_first = columns[np.argsort(-correlations[columns])].tolist()
            for fold in self._workbench.redundancy.collapse(correlations, strongest_first):
                found |= {(side, column): self._workbench.sets[fold.column].name for column in fold.explains}
        return found
