"""A comparison as JSON and as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from ..results import Report, markdown_table
from .comparison import Comparison, Row
from .differences import Group
from .disagreements import Judged

# What Markdown or HTML would act on, in texts that others wrote.
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#!|~&$])")
HEADERS = (
    *("scorer", "run", "scores", "difference", "95 % interval", "p", "p (Holm)", "n", "win/tie/loss", "coverage"),
    "both claim (n)",
)
DISAGREEMENT_HEADERS = (
    *("scorer", "run", "feature", "class", "difference"),
    *("baseline score", "baseline label", "score", "label"),
)


def report(comparison: Comparison) -> Report:
    """The report `compare`: rows with `difference`, `low`, `high`, `p` and `n` first, curves and notes."""
    figures = {
        "baseline": comparison.runs[0],
        "runs": list(comparison.runs),
        "subject": comparison.subject,
        "adjustment": "holm",
        "rows": [_figures(row) for row in comparison.rows],
        "curves": [asdict(curve) for curve in comparison.curves],
        "notes": list(comparison.notes),
    }
    return Report("compare", figures, "\n".join(_markdown(comparison)))


def table_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """A line of text cells under HEADERS for each row; scores and coverage are the baseline's, then the run's."""
    return [
        (
            *(row.measure.title, row.run, f"{shown(row.baseline_mean)}, {shown(row.run_mean)}"),
            *(signed(row.overall.difference), interval_text(row.overall.low, row.overall.high)),
            *(shown(row.overall.p), shown(row.p_holm), str(row.overall.n)),
            f"{row.outcomes.win}/{row.outcomes.tie}/{row.outcomes.loss}",
            f"{_share(row.baseline_coverage)}, {_share(row.run_coverage)}",
            f"{signed(row.both_claim.difference)} ({row.both_claim.n})",
        )
        for row in comparison.rows
    ]


def disagreement_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """A line of text cells under DISAGREEMENT_HEADERS for each feature on which runs differ most."""
    return [
        (
            *(row.measure.title, row.run, str(one.feature), one.kind, signed(one.difference)),
            *(shown(one.baseline.score), one.baseline.text, shown(one.run.score), one.run.text),
        )
        for row in comparison.rows
        for one in row.disagreements
    ]


def explained(comparison: Comparison) -> list[str]:
    """How the table is to be read, and what is not in it."""
    return [
        f"Differences are scores of the run minus those of {comparison.runs[0]}, by feature. Intervals: bootstrap over "
        "features. p: paired sign-flip permutation test; Holm's adjustment covers all rows. Coverage: share of "
        "features on which each run's label says something; where it does not, it scores chance. Both claim: the "
        "difference over features of which both say something.",
        *(line for row in comparison.rows for line in _left_out(row, comparison.runs[0])),
        *comparison.notes,
    ]


def signed(value: float | None) -> str:
    """A difference, or a dash."""
    return "–" if value is None else f"{round(value, 3) + 0.0:+.3f}"  # no -0.000


def shown(value: float | None) -> str:
    """A p-value or another figure to three digits, or a dash."""
    return "–" if value is None else f"{value:.3g}"


def interval_text(low: float | None, high: float | None) -> str:
    """An interval, or a dash."""
    return "–" if low is None or high is None else f"{low:+.3f} to {high:+.3f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _left_out(row: Row, baseline: str) -> Iterator[str]:
    left = row.unpaired
    parts = [
        (left.baseline_only, f"labelled in {baseline} only"),
        (left.run_only, f"labelled in {row.run} only"),
        (left.scored_in_baseline_only, f"scored in {baseline} only"),
        (left.scored_in_run_only, f"scored in {row.run} only"),
        (left.scored_in_neither, "scored in neither"),
    ]
    if told := ", ".join(f"{count} {what}" for count, what in parts if count):
        yield f"Features left out, {row.measure.title}, {row.run}: {told}."


def _figures(row: Row) -> dict[str, Any]:
    """A row as JSON knows it, the figures of the overall difference on its own level."""
    whole = asdict(row)
    overall, outcomes = whole.pop("overall"), whole.pop("outcomes")
    whole.pop("measure")
    named = {"scorer": row.measure.scorer, "run": whole.pop("run")}
    return named | overall | {"p_holm": whole.pop("p_holm"), "judge": row.measure.judge} | outcomes | whole


def _markdown(comparison: Comparison) -> Iterator[str]:
    others = ", ".join(_text(name) for name in comparison.runs[1:])
    yield f"# {others} beside {_text(comparison.runs[0])}, on {_text(comparison.subject)}\n"
    yield markdown_table(HEADERS, [(*map(_text, row[:2]), *row[2:]) for row in table_rows(comparison)])
    yield from (f"{_text(line)}\n" for line in explained(comparison))
    for title, groups in (
        ("class", [(row, row.by_class) for row in comparison.rows]),
        ("density", [(row, row.by_density) for row in comparison.rows]),
    ):
        if lines := [_group_line(row, group) for row, of_row in groups for group in of_row]:
            yield f"## By {title}\n"
            yield markdown_table(("scorer", "run", title, "difference", "95 % interval", "n"), lines)
    yield "## Where they differ most\n"
    for row in comparison.rows:
        for one in row.disagreements:
            yield f"- {_text(row.measure.title)}, feature {one.feature}, {signed(one.difference)}"
            yield f"  - {_text(comparison.runs[0])}: {_judged(one.baseline)}"
            yield f"  - {_text(row.run)}: {_judged(one.run)}"


def _group_line(row: Row, group: Group) -> Sequence[object]:
    interval = interval_text(group.low, group.high)
    return (_text(row.measure.title), _text(row.run), group.group, signed(group.difference), interval, group.n)


def _judged(one: Judged) -> str:
    evidence = "".join(f"; {_text(hypothesis)}" for hypothesis in one.hypotheses)
    abstains = ", says nothing on this side" if one.abstains else ""
    return f"{shown(one.score)} on {one.n} items{abstains}: {_text(one.text)}{evidence}"


def _text(text: str) -> str:
    """Text of others in one line in which Markdown and HTML find nothing to do."""
    return _ACTIVE.sub(r"\\\1", " ".join(text.split()))
