"""Runs with scores, for tests of comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tsea.evals.comparison.paired import ScoredRun
from tsea.evals.scores import FeatureScores, Score
from tsea.tools.storage.tables import Label

# Texts that act where markup, Markdown or a terminal lets them.
HOSTILE = "</bdi><script>alert(1)</script><img src=x onerror=alert(2)> ![a](http://x/?q) `|` \u202e{{ 7*7 }}"


def label(feature: int, text: str = "digits", **more: Any) -> Label:
    given: dict[str, Any] = {"status": "labelled", "kind": "prediction", "claim": "specific"} | more
    return Label(feature=feature, text=text, **given)


def scores(value: float | None, *, abstained: bool = False, n: int = 40) -> FeatureScores:
    return FeatureScores(0, Score(value, n, None if value is not None else "too few firings"), {}, abstained)


def scored_run(
    name: str,
    values: Mapping[int, float | None] | Sequence[float],
    abstaining: Sequence[int] = (),
    scorer: str = "output",
    labels: Iterable[Label] = (),
) -> ScoredRun:
    """A run whose features have these values by one scorer; `labels` are of some of them, the others plain."""
    by_feature = values if isinstance(values, Mapping) else dict(enumerate(values))
    given = {one.feature: one for one in labels}
    return ScoredRun(
        name,
        "pocket",
        {feature: given.get(feature, label(feature)) for feature in by_feature},
        {scorer: {f: scores(value, abstained=f in abstaining) for f, value in by_feature.items()}},
    )
