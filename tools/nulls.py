"""Reference distributions of set statistics under the direction nulls, computed once and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import torch

from .deep_tails import DeepTails
from .directions import SEED, direction_model, null_identity
from .progress import Progress, silent
from .statistics.directions import NullName
from .statistics.p_values import PValues
from .statistics.projection import logit_weights, standardise
from .statistics.reference import ReferenceDistribution, collect
from .storage.cache import ByteCache, load_arrays, save_arrays
from .subject.subject import Subject
from .views import View, ViewName, ranked_values

# The statistic's null distribution is counted in so many directions.
DIRECTIONS = {"mass": 20_480, "ranked": 2048}
BATCH = 1024
RANK_STATISTICS = ("es_p0", "es_p1", "rank_sum")


@dataclass(frozen=True)
class Statistic:
    """Values (n, 2, C), promoted and suppressed, of standardised weights, and the views to test in.

    `columns` is what turns a subject's directions into these weights; a `deep` statistic is the mass of whitened
    weights, whose tails are known beyond what is counted.
    """

    name: str
    evaluate: Callable[[View, torch.Tensor], np.ndarray]
    views: tuple[ViewName, ...]
    columns: Callable[[Subject], np.ndarray]
    deep: bool = False


MASS = Statistic("mass", View.masses, ("open", "confirm"), attrgetter("whitened"), deep=True)
# The columns of RANK_STATISTICS one after another: one sort of a row serves them all. ES is scanned set by set, which
# makes these directions costly, so they are fewer.
RANKED = Statistic(
    "ranked",
    lambda view, standardised: ranked_values(view.ranked(standardised)),
    ("open",),
    attrgetter("unembedding"),
)


@dataclass(frozen=True)
class DirectionNull:
    """p-values of one statistic in one view under one direction null."""

    null: NullName
    reference: ReferenceDistribution

    def estimate(self, values: np.ndarray) -> PValues:
        """One-sided p (F, 2, C) of values (F, 2, C): how often a reference direction reaches as much on that side."""
        features, _, columns = values.shape
        # An isotropic direction is as likely as its negative, so both sides share one distribution.
        flat = values.reshape(-1, columns) if self.null == "present" else values.reshape(features, -1)
        found = self.reference.estimate(flat)
        return PValues(found.p.reshape(values.shape), found.log10_error.reshape(values.shape))

    def p_values(self, values: np.ndarray) -> np.ndarray:
        """The p-values of `estimate` alone."""
        return self.estimate(values).p

    def p_value(self, value: float, side: int, column: int) -> float:
        """One-sided p of a single value of one side (0 promoted, 1 suppressed) and column."""
        columns = self.reference.tail.shape[0]
        place = column if self.null == "present" else side * (columns // 2) + column
        return float(self.reference.of_column(place).p_values(np.array([[value]]))[0, 0])


def direction_nulls(
    subject: Subject,
    views: Mapping[ViewName, View],
    null: NullName,
    statistic: Statistic,
    cache: ByteCache,
    progress: Progress = silent,
) -> dict[ViewName, DirectionNull]:
    """The null distribution of a statistic in each of its views, from the cache or from reference directions.

    Tails of the mass on open tokens are deep: columns that need them compute them when first asked.
    """
    views = {name: views[name] for name in statistic.views}
    count = DIRECTIONS[statistic.name]
    key = _key(subject, views, null, statistic.name, count)
    stored = cache.get(key)
    arrays = load_arrays(stored) if stored is not None else None
    if arrays is None:
        arrays = _reference_arrays(subject, views, null, statistic, progress)
        cache.set(key, save_arrays(arrays))
    draws = 2 * count if null == "present" else count
    nulls: dict[ViewName, DirectionNull] = {}
    for name, view in views.items():
        levels = DeepTails(subject, view, null, cache).of_column if statistic.deep and name == "open" else None
        reference = ReferenceDistribution(draws, arrays[f"{name}.tail"], arrays[f"{name}.bulk"], levels)
        nulls[name] = DirectionNull(null, reference)
    return nulls


def _reference_arrays(
    subject: Subject, views: Mapping[ViewName, View], null: NullName, statistic: Statistic, progress: Progress
) -> dict[str, np.ndarray]:
    model, count = direction_model(subject, null), DIRECTIONS[statistic.name]
    arrays: dict[str, np.ndarray] = {}
    for order, (name, view) in enumerate(views.items()):
        unembedding = view.columns(statistic.columns(subject)).to(subject.device)

        def batches(
            view: View = view, unembedding: torch.Tensor = unembedding, done: int = order * count
        ) -> Iterator[np.ndarray]:
            for batch in range(count // BATCH):
                weights = logit_weights(model.sample(BATCH, [SEED[null], batch]), unembedding)
                values = statistic.evaluate(view, standardise(weights))
                finished = done + (batch + 1) * BATCH
                progress(f"reference directions ({statistic.name}, {null})", finished, len(views) * count)
                yield values.reshape(-1, values.shape[2]) if null == "present" else values.reshape(BATCH, -1)

        reference = collect(batches(), 2 * count if null == "present" else count)
        arrays[f"{name}.tail"], arrays[f"{name}.bulk"] = reference.tail, reference.bulk
    return arrays


def _key(subject: Subject, views: Mapping[ViewName, View], null: NullName, statistic: str, count: int) -> str:
    digest = null_identity(subject, null)
    digest.update(f"{statistic} {count} {BATCH}".encode())
    for name, view in views.items():
        digest.update(
            name.encode() + view.tokens.tobytes() + view.sets.pointers.tobytes() + view.sets.members.tobytes()
        )
    return f"direction-null/4/{digest.hexdigest()}"
