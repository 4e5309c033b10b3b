"""What the scores of a run come to: means over features with intervals, beside those of the controls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from ..tools.phrases import number_of
from .bootstrap import interval
from .results import Report, markdown_table
from .scores import FeatureScores
from .scoring import Scored

Over = Literal["claimed", "all"]
OVER: tuple[Over, ...] = ("claimed", "all")


@dataclass(frozen=True)
class ControlSummary:
    """Mean score of a control, and of the label's score less the control's on the same feature, with intervals."""

    value: float
    low: float | None
    high: float | None
    lift: float
    lift_low: float | None
    lift_high: float | None


@dataclass(frozen=True)
class Reason:
    """Why so many features have no score."""

    reason: str
    features: int


@dataclass(frozen=True)
class ScoreRow:
    """Mean score over `n` features with its 95 % interval (bootstrap by feature; None for fewer than 2).

    `over` says of which features: those `claimed`, that the label says something of on the scorer's side, or `all`,
    where abstaining earns chance. `coverage` is the share of all scored features that are claimed; `unscored` features
    are left out, `reasons` says why.
    """

    scorer: str
    side: str
    over: Over
    value: float | None
    low: float | None
    high: float | None
    chance: float
    controls: dict[str, ControlSummary]
    coverage: float | None
    n: int
    unscored: int
    reasons: list[Reason]


def score_rows(scored: Sequence[Scored]) -> list[ScoreRow]:
    """Two rows for each scorer."""
    return [_row(one, over) for one in scored for over in OVER]


def _row(scored: Scored, over: Over) -> ScoreRow:
    examined = [one for one in scored.features if one.label.value is not None]
    chosen = [one for one in scored.features if over == "all" or not one.abstained]
    known = [one for one in chosen if one.label.value is not None]
    reasons = Counter(_kind(one.label.unscored) for one in chosen if one.label.unscored)
    names = dict.fromkeys(name for one in known for name in one.controls)
    value, low, high = _mean([float(one.label.value or 0) for one in known])
    return ScoreRow(
        scorer=scored.scorer,
        side=scored.side,
        over=over,
        value=value,
        low=low,
        high=high,
        chance=scored.chance,
        controls={name: found for name in names if (found := _control(known, name, scored.chance))},
        coverage=sum(not one.abstained for one in examined) / len(examined) if examined else None,
        n=len(known),
        unscored=len(chosen) - len(known),
        reasons=[Reason(reason, count) for reason, count in reasons.most_common()],
    )


def _control(features: Sequence[FeatureScores], name: str, chance: float) -> ControlSummary | None:
    """Over the features that have both scores; where a label abstains, so does its control."""
    pairs = [(one.label.value, chance if one.abstained else _value(one, name)) for one in features]
    known = [(own, other) for own, other in pairs if own is not None and other is not None]
    if not known:
        return None
    lift, lift_low, lift_high = _mean([own - other for own, other in known])
    value, low, high = _mean([other for _, other in known])
    assert value is not None and lift is not None
    return ControlSummary(value, low, high, lift, lift_low, lift_high)


def _value(one: FeatureScores, name: str) -> float | None:
    return one.controls[name].value if name in one.controls else None


def _mean(values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """Mean and interval."""
    if not values:
        return None, None, None
    low, high = interval(np.array(values)) or (None, None)
    return float(np.mean(values)), low, high


def _kind(reason: str) -> str:
    """A reason without its figures, which stand behind a colon."""
    kind, _, figure = reason.rpartition(": ")
    return kind if figure.isdigit() else reason


_LEGEND = """\
claimed: features of which the label says something on the scorer's side; all: with the others at chance. coverage:
share of the first among the second. n: features scored. lift: score minus the control's, where both have one.
"""


def report(run: str, subject: str, exam: str, rows: Sequence[ScoreRow]) -> Report:
    """The rows as JSON knows them, and a table; what could not be scored is said below it."""
    names = list(dict.fromkeys(name for row in rows for name in row.controls))
    table = markdown_table(
        ("scorer", "over", "score", "chance", *(f"lift over {name}" for name in names), "coverage", "n", "unscored"),
        [
            (
                *(row.scorer, row.over, _shown(row.value, row.low, row.high), f"{row.chance:g}"),
                *(_lift(row.controls.get(name)) for name in names),
                *("" if row.coverage is None else f"{row.coverage:.0%}", row.n, row.unscored),
            )
            for row in rows
        ],
    )
    why = [
        f"{row.scorer}: {number_of(one.features, 'feature')} unscored, {one.reason}\n"
        for row in rows
        if row.over == "all"
        for one in row.reasons
    ]
    figures = {"run": run, "subject": subject, "exam": exam, "rows": [asdict(row) for row in rows]}
    return Report("score", figures, "\n".join((table, _LEGEND, *(["".join(why)] if why else []))))


def _lift(control: ControlSummary | None) -> str:
    return "" if control is None else _shown(control.lift, control.lift_low, control.lift_high, "+")


def _shown(value: float | None, low: float | None, high: float | None, sign: str = "") -> str:
    if value is None:
        return ""
    return (
        f"{value:{sign}.3f}"
        if low is None or high is None
        else f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"
    )
