"""Measures of answers that a constant answer cannot move from chance, also where some answers are missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...tools.phrases import listing


def balanced_accuracy(truth: Sequence[int], answers: Sequence[int], classes: Sequence[str]) -> float | str:
    """Mean over the classes 0, 1, ... of the share of their items (n,) that were answered rightly.

    A constant answer is right on one class alone: 1 / classes, whichever answers are missing (Brodersen et al. 2010,
    doi:10.1109/ICPR.2010.764). A phrase that says why there is none where a class has no answer.
    """
    right = np.asarray(truth) == np.asarray(answers)
    own = [right[np.asarray(truth) == place] for place in range(len(classes))]
    if lacking := [name for name, one in zip(classes, own, strict=True) if not len(one)]:
        return f"no answer about {listing(lacking, 5)}"
    return float(np.mean([one.mean() for one in own]))


def auroc(truth: Sequence[int], values: Sequence[float], classes: tuple[str, str]) -> float | str:
    """The probability that an item of class 1 has a larger value than one of class 0, ties counted half.

    By midranks (Mann & Whitney 1947, doi:10.1214/aoms/1177730491); a phrase where a class of `classes` has no item.
    """
    from scipy.stats import rankdata

    ones = np.asarray(truth) == 1
    positives, negatives = int(ones.sum()), int((~ones).sum())
    if not positives or not negatives:
        return f"no answer about {classes[0] if not negatives else classes[1]}"
    ranks = float(rankdata(np.asarray(values, np.float64))[ones].sum())
    return (ranks - positives * (positives + 1) / 2) / (positives * negatives)


def correlation(truth: Sequence[float], answers: Sequence[float]) -> float | str:
    """Pearson's correlation of (n,) and (n,), 0 for answers that are all the same; a phrase where the truth is that."""
    x, y = np.asarray(truth, np.float64), np.asarray(answers, np.float64)
    if np.ptp(x) == 0:
        return "the activation is the same at every token that was answered"
    if np.ptp(y) == 0:
        return 0.0
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))
