"""Controls of a score: other statements, examined on the same items in the same run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..tools.inputs.spec import parse_input_spec
from ..tools.token_sets.spec import parse_spec
from .scores import EMPTY, Statement

SEED = 0
_ANY_TOKEN = parse_spec({"regex": ""})
_ANYWHERE = parse_input_spec({"not": {"all": [{"position": 0}, {"not": {"position": 0}}]}})
EVERYTHING = Statement(
    "It fires on every token, and promotes and suppresses every token.", (_ANY_TOKEN,), (_ANY_TOKEN,), (_ANYWHERE,)
)


def controls(
    statements: Mapping[int, Statement], density: np.ndarray | None, seed: int = SEED
) -> dict[int, dict[str, Statement]]:
    """By feature and name, what is said in place of the statement of each feature that says something.

    `shuffled`: that of another feature, by one random cycle through all; `similar density`: that of the other feature
    whose density (features,) is nearest in ratio, where densities are known; `empty`; `everything`, a constant answer.
    A single feature has no other.
    """
    features = np.array(sorted(statements), np.int64)
    found: dict[int, dict[str, Statement]] = {int(f): {} for f in features}
    constant = {"empty": EMPTY, "everything": EVERYTHING}
    if len(features) < 2:
        return {feature: constant for feature in found}
    cycle = np.random.default_rng(seed).permutation(features).tolist()
    for feature, other in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
        found[feature]["shuffled"] = statements[other]
    if density is not None:
        for feature, other in zip(features.tolist(), _nearest(density[features]).tolist(), strict=True):
            found[feature]["similar density"] = statements[int(features[other])]
    return {feature: others | constant for feature, others in found.items()}


def _nearest(density: np.ndarray) -> np.ndarray:
    """For each value (n,), n > 1, the place of the other one nearest in ratio; zeros are nearest to each other."""
    logs = np.log(np.maximum(density, np.finfo(np.float64).tiny))
    order = np.argsort(logs, kind="stable")
    gaps = np.diff(logs[order])
    lower, upper = np.append(np.inf, gaps), np.append(gaps, np.inf)
    nearest = np.empty(len(order), np.int64)
    nearest[order] = order[np.arange(len(order)) + np.where(lower <= upper, -1, 1)]
    return nearest
