"""A comparison of runs as one page that needs nothing else: tables, plots, and both labels where runs differ most."""

from __future__ import annotations

from itertools import groupby

from ..evals.comparison.comparison import Comparison
from ..evals.comparison.paired import Measure
from ..evals.comparison.report import HEADERS, explained, interval_text, signed, table_rows
from ..evals.scorers.by_name import chance_of
from ..tools.plots import CoverageCurve, Line, coverage_score, paired_differences, render
from .pages import ReportPicture, templates


def compare_page(comparison: Comparison) -> str:
    """The page as HTML; texts of labels are text in it."""
    environment = templates()
    environment.filters.update(difference=signed, interval=lambda group: interval_text(group.low, group.high))
    return environment.get_template("compare.html").render(
        comparison=comparison,
        others=", ".join(comparison.runs[1:]),
        headers=HEADERS,
        rows=list(zip(comparison.rows, table_rows(comparison), strict=True)),
        lines=explained(comparison),
        pictures=[*_differences(comparison), *_curves(comparison)],
        by_class=[(row, group) for row in comparison.rows for group in row.by_class],
        by_density=[(row, group) for row in comparison.rows for group in row.by_density],
    )


def _differences(comparison: Comparison) -> list[ReportPicture]:
    """One picture of all rows that have a difference."""
    several = len(comparison.runs) > 2
    lines = [
        Line(
            f"{row.measure.title}, {row.run}" if several else row.measure.title,
            row.overall.difference,
            None if row.overall.low is None or row.overall.high is None else (row.overall.low, row.overall.high),
        )
        for row in comparison.rows
        if row.overall.difference is not None
    ]
    if not lines:
        return []
    what = f"Scores minus those of {comparison.runs[0]}, with 95 % intervals"
    return [ReportPicture(f"{what}.", render(paired_differences(lines, title=what)))]


def _curves(comparison: Comparison) -> list[ReportPicture]:
    """A picture for each measure."""
    pictures: list[ReportPicture] = []
    for measure, curves in groupby(comparison.curves, key=lambda curve: Measure(curve.scorer, curve.judge)):
        drawn = [
            CoverageCurve(c.run, [p.coverage for p in c.points], [p.score for p in c.points], c.with_abstentions)
            for c in curves
        ]
        title = f"{measure.title}: score as less confident labels are taken in"
        figure = coverage_score(drawn, title=title, chance=chance_of(measure.scorer))
        caption = f"Coverage and mean score by {measure.title}; rings: labels that say nothing count as chance."
        pictures.append(ReportPicture(caption, render(figure)))
    return pictures
