"""Runs with scores, for tests of comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tsea.evals.comparison.paired import Measure, ScoredRun
from tsea.evals.scores import FeatureScores, Score
from tsea.tools.storage.records import Records
from tsea.tools.storage.tables import Label, LabelScore

# Texts that act where markup, Markdown or a terminal lets them.
HOSTILE = "</bdi><script>alert(1)</script><img src=x onerror=alert(2)> ![a](http://x/?q) `|` \u202e{{ 7*7 }}"


def label(feature: int, text: str = "digits", **more: Any) -> Label:
    given: dict[str, Any] = {"status": "labelled", "kind": "prediction", "claim": "specific"} | more
    return Label(feature=feature, text=text, **given)


def scores(value: float | None, *, abstained: bool = False, n: int = 40) -> FeatureScores:
    return FeatureScores(0, Score(value, n, None if value is not None else "too few firings"), {}, abstained)


OUTPUT = Measure("output")


def scored_run(
    name: str,
    values: Mapping[int, float | None] | Sequence[float],
    abstaining: Sequence[int] = (),
    scorer: str = "output",
    labels: Iterable[Label] = (),
) -> ScoredRun:
    """A run whose features have these values by one scorer; features without one of `labels` get a plain one."""
    by_feature = values if isinstance(values, Mapping) else dict(enumerate(values))
    given = {one.feature: one for one in labels}
    return ScoredRun(
        name,
        "pocket",
        {feature: given.get(feature, label(feature)) for feature in by_feature},
        {Measure(scorer): {f: scores(value, abstained=f in abstaining) for f, value in by_feature.items()}},
    )


def stored_scores_of(
    records: Records,
    name: str,
    values: Mapping[int, float | None],
    abstaining: Sequence[int] = (),
    *,
    scorer: str = "output",
    exam: str = "exam",
    judge: str = "",
) -> None:
    """Write scores of the last label of a stored run's features, with a control where they say something."""
    run = records.run(name)
    last = {one.feature: one.id for one in records.labels(run)}
    rows: list[LabelScore] = []
    for feature, value in values.items():
        controls = [] if feature in abstaining or value is None else [("empty", 0.5)]
        for control, score in [("", value), *controls]:
            unscored = "too few firings" if score is None else None
            given = {"label_id": last[feature], "feature": feature, "scorer": scorer, "exam": exam, "judge": judge}
            rows.append(LabelScore(**given, control=control, value=score, n=40, unscored=unscored))
    records.write_scores(run, rows)
