"""Two-sided p-values of every statistic on a calibration case's trial, under each null."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import stats

from ..tools.directions import direction_model
from ..tools.nulls import MASS, RANK_STATISTICS, RANKED, Statistic, direction_nulls
from ..tools.statistics.directions import MeanNull, NullName, mean_p_present
from ..tools.statistics.mass import mass, side_weights
from ..tools.statistics.names import NullChoice
from ..tools.statistics.projection import blocks, logit_weights, standardise
from ..tools.statistics.random_set_null import random_set_tests
from ..tools.storage.cache import ByteCache
from ..tools.views import View
from .cases import Case

RANDOM_SETS = 4_096  # of each size, behind a random-set p-value of the mass
_DRAWN_AT_ONCE = 512
_SEED = 41


def p_values(case: Case, null: NullChoice, cache: ByteCache) -> dict[str, np.ndarray]:
    """Two-sided p (F, S) of each statistic on a case's trial of a null."""
    if null == "random":
        directions = torch.from_numpy(case.trials[null].directions)
        return random_set_p(case.view, logit_weights(directions, case.unembedding))
    ranked = reference_p(case, null, RANKED, cache)
    parts = np.split(ranked, len(RANK_STATISTICS), axis=1)
    return {
        "mass": reference_p(case, null, MASS, cache)[:, : len(case.view.sets)],  # behind the sets: the concentration
        "mean": mean_p(case, null),
        **dict(zip(RANK_STATISTICS, parts, strict=True)),
    }


def two_sided(p: np.ndarray) -> np.ndarray:
    """Twice the smaller of the two sides' p: (F, 2, S) -> (F, S)."""
    return np.minimum(1.0, 2 * p.min(axis=1))


def mean_p(case: Case, null: NullName) -> np.ndarray:
    """Closed-form p (F, S) of the mean logit weight under a direction null."""
    rows, means, subject = case.trials[null].directions, case.view.set_means(case.unembedding), case.subject
    if null == "present":
        return two_sided(mean_p_present(rows, means))
    model = MeanNull(means, direction_model(subject, null), subject.decoder[subject.alive])
    return two_sided(model.p_values(rows))


def reference_p(case: Case, null: NullName, statistic: Statistic, cache: ByteCache) -> np.ndarray:
    """p (F, C) of every column of a statistic against reference directions."""
    statistic = replace(statistic, views=("open",))
    reference = direction_nulls(case.subject, {"open": case.view}, null, statistic, cache)["open"]
    columns = case.view.columns(statistic.columns(case.subject))
    rows, values = case.trials[null].directions, []
    for part in blocks(len(rows), len(case.view.tokens)):
        weights = logit_weights(torch.from_numpy(rows[part]), columns)
        values.append(statistic.evaluate(case.view, standardise(weights)))
    return two_sided(reference.p_values(np.concatenate(values)))


def random_set_p(view: View, weights: torch.Tensor) -> dict[str, np.ndarray]:
    """p (F, S) of each statistic under the random-set null, from logit weights over a view (F, V).

    Mass: Monte Carlo. Mean: normal, with the variance of draws without replacement. The others as `enrich` gives them.
    """
    k, n = view.sets.sizes, len(view.tokens)
    standardised = standardise(weights)
    z = view.means(standardised) / np.sqrt((n - k) / (k * (n - 1)))
    ranked = random_set_tests(view.ranked(standardised), k).p
    return {
        "mass": random_set_mass_p(view, weights),
        "mean": 2 * stats.norm.sf(np.abs(z)),
        **{name: two_sided(found.p) for name, found in ranked.items()},
    }


def random_set_mass_p(view: View, weights: torch.Tensor) -> np.ndarray:
    """Monte Carlo p (F, S) of the mass, (r + 1) / (n + 1) on each side against n random sets of each set's size."""
    sides = side_weights(standardise(weights))
    observed = mass(sides, view.membership).numpy()
    reached = np.zeros(observed.shape, dtype=np.int64)
    rng = np.random.default_rng([_SEED])
    for size in np.unique(view.sets.sizes):
        columns = np.flatnonzero(view.sets.sizes == size)
        for _ in range(0, RANDOM_SETS, _DRAWN_AT_ONCE):
            keys = torch.from_numpy(rng.random((_DRAWN_AT_ONCE, len(view.tokens)), dtype=np.float32))
            members = keys.topk(int(size), dim=1, sorted=False).indices
            drawn = mass(sides, torch.zeros_like(keys).scatter_(1, members, 1.0).T).numpy()
            for column in columns:
                reached[:, :, column] += (drawn >= observed[:, :, column, None]).sum(axis=2)
    return two_sided((reached + 1) / (RANDOM_SETS + 1))
