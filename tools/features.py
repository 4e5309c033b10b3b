"""Feature selectors: `7`, `0-63`, `3,9,40-50`, `all`, `top:500:skewness`, `class:prediction`, `density:1e-4..1e-2`."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from .errors import UsageError, nearest
from .statistics.names import CLASSES

STATISTICS = ("mean", "std", "skewness", "kurtosis", "bimodality", "density")
_FORMS = "Use a number, a range (0-63), a list (3,9,40-50), all, top:N:STATISTIC, class:NAME or density:LOW..HIGH."


def require_feature(feature: int, n_features: int) -> int:
    """The feature; raises UsageError where a dictionary of so many has none of that number."""
    if not 0 <= feature < n_features:
        raise UsageError(_unknown(feature, n_features))
    return feature


def select_features(selector: str, n_features: int, column: Callable[[str], np.ndarray]) -> np.ndarray:
    """Feature indices that a selector names: ascending, but `top` in descending order of its statistic.

    `column` gives one value per feature (n_features,) of a statistic in STATISTICS or, for "class", class names; NaN
    values are never selected. Raises UsageError for an unknown form or name and for features out of range.
    """
    text = selector.strip()
    kind, _, rest = text.partition(":")
    if text == "all":
        return np.arange(n_features)
    if kind == "top":
        return _top(selector, rest, column)
    if kind == "class":
        if rest.replace("_", " ") not in CLASSES:
            raise UsageError(f"Unknown class {rest!r}; classes are {', '.join(CLASSES)}.{nearest(rest, CLASSES)}")
        return np.flatnonzero(column("class") == rest.replace("_", " "))
    if kind == "density":
        bounds = rest.split("..")
        try:
            low, high = (float(bound) for bound in bounds)
        except ValueError:
            raise UsageError(
                f"Cannot read {selector!r}: write density:LOW..HIGH, for example density:1e-4..1e-2."
            ) from None
        density = column("density")
        return np.flatnonzero((density >= low) & (density <= high))
    return _listed(selector, n_features)


def _top(selector: str, rest: str, column: Callable[[str], np.ndarray]) -> np.ndarray:
    count, _, statistic = rest.partition(":")
    if not count.isdigit() or int(count) == 0 or not statistic:
        raise UsageError(f"Cannot read {selector!r}: write top:COUNT:STATISTIC, for example top:64:skewness.")
    if statistic not in STATISTICS:
        raise UsageError(
            f"Unknown statistic {statistic!r}; there are {', '.join(STATISTICS)}.{nearest(statistic, STATISTICS)}"
        )
    values = column(statistic)
    order = np.argsort(-np.nan_to_num(values, nan=-np.inf), kind="stable")
    return order[: min(int(count), int(np.isfinite(values).sum()))]


def _listed(selector: str, n_features: int) -> np.ndarray:
    chosen: set[int] = set()
    for part in selector.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", part)
        if match is None:
            raise UsageError(f"Cannot read the feature selector {selector!r}. {_FORMS}")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(f"The range {part.strip()} runs backwards; write {last}-{first}.")
        if last >= n_features:
            raise UsageError(_unknown(last, n_features))
        chosen.update(range(first, last + 1))
    return np.array(sorted(chosen), dtype=np.int64)


def _unknown(feature: int, n_features: int) -> str:
    return f"Feature {feature} does not exist: this dictionary has features 0 to {n_features - 1}."
