"""Reference distributions of set statistics under the direction nulls, computed once and kept in the cache."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from .progress import Progress, silent
from .statistics.directions import DirectionModel, NullName
from .statistics.projection import logit_weights
from .statistics.reference import ReferenceDistribution, collect
from .storage.cache import ByteCache, load_arrays, save_arrays
from .subject.subject import Subject
from .views import View, both_sides

# BH over hundreds of two-sided tests needs p-values far below 1 / tests, hence this many directions for each set.
DIRECTIONS_PER_SET = 200
MIN_DIRECTIONS = 20_000
# Between the two a bound on multiplications, by device: fewer directions make p-values larger, never too small.
MULTIPLICATIONS = {"cpu": 2e12, "accelerator": 1e14}
BATCH = 1024
SEED = {"present": 11, "specific": 12, "decoy": 13, "overlap": 14, "shape": 15}


@dataclass(frozen=True)
class Statistic:
    """A statistic of every set of a view: (n, 2, C) values, promoted and suppressed, of directions' logit weights."""

    name: str
    evaluate: Callable[[View, torch.Tensor], np.ndarray]
    directions: Callable[[Subject, int], int]
    views: tuple[str, ...]


def mass_directions(subject: Subject, sets: int) -> int:
    """How many reference directions the mass of this many sets asks for (a multiple of the batch)."""
    budget = MULTIPLICATIONS["cpu" if subject.device == "cpu" else "accelerator"]
    affordable = budget / (len(subject.universe) * (subject.d_model + 2 * sets))
    return BATCH * math.ceil(max(MIN_DIRECTIONS, min(DIRECTIONS_PER_SET * sets, affordable)) / BATCH)


MASS = Statistic("mass", View.masses, mass_directions, ("open", "confirm"))
# The scan of every set makes enrichment scores costly: fewer directions, so p-values of at least 1 / 2,049.
ES_P0 = Statistic(
    "es_p0", lambda view, weights: both_sides(view.enrichment(weights, 0)), lambda _subject, _sets: 2 * BATCH, ("open",)
)
ES_P1 = Statistic(
    "es_p1", lambda view, weights: both_sides(view.enrichment(weights, 1)), lambda _subject, _sets: 2 * BATCH, ("open",)
)


def direction_model(subject: Subject, null: NullName) -> DirectionModel:
    """The model that reference directions of a null are drawn from."""
    if null == "present":
        return DirectionModel.isotropic(subject.d_model)
    return DirectionModel.of_decoder(subject.decoder[subject.alive])


def matched_directions(subject: Subject, count: int, purpose: Literal["decoy", "shape"] = "decoy") -> np.ndarray:
    """Random directions (count, D) with the decoder's mean and covariance, for one purpose; no null is made of them."""
    return direction_model(subject, "specific").sample(count, [SEED[purpose]]).numpy()


@dataclass(frozen=True)
class DirectionNull:
    """p-values of one statistic in one view under one direction null."""

    null: NullName
    reference: ReferenceDistribution

    def p_values(self, values: np.ndarray) -> np.ndarray:
        """One-sided p (F, 2, C) of values (F, 2, C): how often a reference direction reaches as much on that side."""
        features, _, columns = values.shape
        if self.null == "present":
            # An isotropic direction is as likely as its negative, so both sides share one distribution.
            return self.reference.p_values(values.reshape(-1, columns)).reshape(values.shape)
        return self.reference.p_values(values.reshape(features, -1)).reshape(values.shape)

    def p_value(self, value: float, side: int, column: int) -> float:
        """One-sided p of a single value of one side (0 promoted, 1 suppressed) and column."""
        columns = self.reference.tail.shape[0]
        place = column if self.null == "present" else side * (columns // 2) + column
        return float(self.reference.select([place]).p_values(np.array([[value]]))[0, 0])


def direction_nulls(
    subject: Subject,
    views: Mapping[str, View],
    null: NullName,
    statistic: Statistic,
    cache: ByteCache,
    progress: Progress = silent,
) -> dict[str, DirectionNull]:
    """The null distribution of a statistic in each of its views, from the cache or from reference directions."""
    views = {name: views[name] for name in statistic.views}
    count = statistic.directions(subject, max(len(view.sets) for view in views.values()))
    key = _key(subject, views, null, statistic.name, count)
    stored = cache.get(key)
    arrays = load_arrays(stored) if stored is not None else None
    if arrays is None:
        arrays = _reference_arrays(subject, views, null, statistic, count, progress)
        cache.set(key, save_arrays(arrays))
    draws = 2 * count if null == "present" else count
    return {
        name: DirectionNull(null, ReferenceDistribution(draws, arrays[f"{name}.tail"], arrays[f"{name}.bulk"]))
        for name in views
    }


def _reference_arrays(
    subject: Subject,
    views: Mapping[str, View],
    null: NullName,
    statistic: Statistic,
    count: int,
    progress: Progress,
) -> dict[str, np.ndarray]:
    model = direction_model(subject, null)
    arrays: dict[str, np.ndarray] = {}
    for order, (name, view) in enumerate(views.items()):
        unembedding = torch.from_numpy(np.ascontiguousarray(subject.unembedding[:, view.tokens])).to(subject.device)

        def batches(
            view: View = view, unembedding: torch.Tensor = unembedding, done: int = order * count
        ) -> Iterator[np.ndarray]:
            for batch in range(count // BATCH):
                weights = logit_weights(model.sample(BATCH, [SEED[null], batch]), unembedding)
                values = statistic.evaluate(view, weights)
                finished = done + (batch + 1) * BATCH
                progress(f"reference directions ({statistic.name}, {null})", finished, len(views) * count)
                yield values.reshape(-1, values.shape[2]) if null == "present" else values.reshape(BATCH, -1)

        reference = collect(batches(), 2 * count if null == "present" else count)
        arrays[f"{name}.tail"], arrays[f"{name}.bulk"] = reference.tail, reference.bulk
    return arrays


def _key(subject: Subject, views: Mapping[str, View], null: str, statistic: str, count: int) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{null} {statistic} {count} {BATCH}".encode())
    if null == "specific":
        digest.update(subject.hash.encode())
    else:
        # Isotropic directions know nothing of the dictionary: all dictionaries on a model share them.
        digest.update(np.ascontiguousarray(subject.unembedding).data)
    for name, view in views.items():
        digest.update(
            name.encode() + view.tokens.tobytes() + view.sets.pointers.tobytes() + view.sets.members.tobytes()
        )
    return f"direction-null/1/{digest.hexdigest()}"
