"""Runs and features as files and lines for people: pictures, static pages, summaries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..tools.feature_plots import FeaturePlot
from ..tools.inputs.words import set_title
from ..tools.phrases import number_of
from ..tools.plots import save
from ..tools.statistics.enrichment import Power
from ..tools.statistics.names import Side
from ..tools.storage.home import home
from .pages import (
    ReportContext,
    ReportFeature,
    ReportPicture,
    ReportReading,
    ReportRun,
    ReportSet,
    ReportToken,
    write_report,
)

if TYPE_CHECKING:
    from ..tools.storage.records import Records
    from ..tools.storage.tables import Hypothesis, Label, Run
    from ..tools.workbench import Workbench

SETS_ON_PAGE = 12
MEMBERS_ON_PAGE = 8
CONTEXTS_ON_PAGE = 6
BEFORE_ON_PAGE, BEHIND_ON_PAGE = 20, 10
PLACES = {"token": "the token", "previous": "right behind", "next": "right before"}


def summary_lines(run: Run) -> list[str]:
    """What a finished run found, for people."""
    s = run.summary or {}
    if "requests" in s:
        return _model_lines(run.config, s)
    rates = [
        f"{kind} {s[key]:.2f}" if s[key] is not None else f"{kind} not defined (no such claim)"
        for kind, key in (("all claims", "decoy_rate"), ("specific claims", "decoy_rate_specific"))
    ]
    return [
        f"{s['features']} features: {s['labelled']} labelled ({s['specific']} specific, {s['present']} present), "
        f"{s['no_claim']} without a claim, {s['failed']} failed; FDR level {s['level']}",
        f"Decoy rate, {s['decoys']} random directions labelled by the same rule over features: {', '.join(rates)}",
        *_input_lines(s),
    ]


def _model_lines(config: dict[str, Any], s: dict[str, Any]) -> list[str]:
    """The same of a run by a language model, and what it cost."""
    cost = "cost unknown (no price)" if s["cost"] is None else f"{s['cost']:.4g} USD"
    reasons = ", ".join(f"{count} {reason}" for reason, count in s["reasons"].items())
    lost = f"; {s['estimated_requests']} requests without a whole reply, at most {s['estimated_tokens']} tokens"
    return [
        f"{s['features']} features: {s['labelled']} labelled ({s['specific']} specific, {s['present']} present), "
        f"{s['no_claim']} without a claim, {s['failed']} failed{f' ({reasons})' if reasons else ''}",
        f"{config['labeler']} with {config['model']}: {s['requests']} replies, {s['prompt_tokens']} prompt and "
        f"{s['completion_tokens']} completion tokens, {cost}{lost if s['estimated_requests'] else ''}",
    ]


def _input_lines(s: dict[str, Any]) -> list[str]:
    """The same of what features fire on, where the run looked at that."""
    if "input_claims" not in s:
        return []
    rate = s["decoy_rate_input"]
    return [
        f"What they fire on: {s['input_claims']:.0%} of features have a claim, {s['decoy_input_claims']:.1%} of "
        f"{s['input_decoys']} random encoder directions" + (f", decoy rate {rate:.2f}" if rate is not None else "")
    ]


def draw_histogram(workbench: Workbench, feature: int, set_name: str, out: Path) -> Path:
    """Write the split histogram of a feature's open tokens and return where."""
    save(FeaturePlot.of(workbench, feature, set_name).figure("histogram"), out)
    return out


def draw_running_sum(workbench: Workbench, feature: int, set_name: str, power: Power, out: Path) -> Path:
    """Write the running-sum plot of a feature's open tokens and return where."""
    save(FeaturePlot.of(workbench, feature, set_name).figure("running_sum", power), out)
    return out


def failure_lines(labels: Sequence[Label]) -> list[str]:
    """What failed by reason, each with what was said of the first one, and how it is tried again."""
    failed = [label for label in labels if label.status == "failed"]
    first = {label.reason: label for label in reversed(failed)}
    lines = [
        f"Failed ({reason}), such as feature {one.feature}: {one.provenance.get('message')}"
        for reason, one in first.items()
    ]
    return [*lines, f"{number_of(len(failed), 'failed label')} kept: --retry failed asks again."] if failed else []


def write_run_pages(workbench: Workbench, records: Records, run: Run) -> Path:
    """Write the static report of a finished run into `reports` in TSEA_HOME and return its index."""
    hits: dict[int, list[Hypothesis]] = {}
    reads: dict[int, list[Hypothesis]] = {}
    for hit in records.hypotheses(run):
        if hit.null == "present" and hit.statistic == "mass":
            hits.setdefault(hit.feature, []).append(hit)
        elif hit.statistic == "reading share" and hit.side in PLACES:
            reads.setdefault(hit.feature, []).append(hit)
    summary = {name.replace("_", " "): value for name, value in (run.summary or {}).items()}
    pages = _pages(workbench, records.labels(run), hits, reads, bool(run.config.get("index")))
    return write_report(
        ReportRun(run.name, run.subject, summary), pages, home() / "reports" / re.sub(r"[^\w-]", "_", run.name)
    )


def _pages(
    workbench: Workbench,
    labels: list[Label],
    hits: dict[int, list[Hypothesis]],
    reads: dict[int, list[Hypothesis]],
    indexed: bool,
) -> Iterator[ReportFeature]:
    bases = _bases(workbench) if indexed else {}
    all_stats = workbench.stats(np.array([label.feature for label in labels]))
    for number, (label, found) in enumerate(zip(labels, all_stats, strict=True)):
        workbench.progress("pages", number, len(labels))
        strongest = sorted(hits.get(label.feature, []), key=_by_q)
        yield ReportFeature(
            feature=label.feature,
            status=label.status,
            text=label.text,
            kind=label.kind,
            claim=label.claim,
            confidence=label.confidence,
            q=label.q,
            refute=label.refute,
            moments={name: getattr(found, name) for name in ("mean", "std", "skewness", "kurtosis")},
            pictures=_pictures(workbench, label),
            sets=[_set(workbench, hit) for hit in strongest[:SETS_ON_PAGE]],
            reads=[_reading(hit, bases) for hit in sorted(reads.get(label.feature, []), key=_by_share)[:SETS_ON_PAGE]],
            contexts=_contexts(workbench, label.feature) if indexed else [],
            promoted=[ReportToken(t.token, t.weight) for t in found.top],
            suppressed=[ReportToken(t.token, t.weight) for t in found.bottom],
        )
    workbench.progress("pages", len(labels), len(labels))


def _by_q(hit: Hypothesis) -> tuple[float, float]:
    return (1.0 if hit.q is None else hit.q, -(hit.effect or 0))


def _by_share(hit: Hypothesis) -> float:
    return -(hit.effect or 0)


def _bases(workbench: Workbench) -> dict[tuple[str, str], float]:
    """Share of all tokens of each set at each place."""
    reading = workbench.reading
    return {
        (reading.set(column).name, where): float(base)
        for column, ((where, _), base) in enumerate(zip(reading.columns, reading.places.base, strict=True))
    }


def _reading(hit: Hypothesis, bases: dict[tuple[str, str], float]) -> ReportReading:
    name, place = set_title(hit.set_name), PLACES[hit.side]
    base = bases.get((hit.set_name, hit.side))
    return ReportReading(name, place, hit.effect, base, hit.p_specific, hit.q, hit.holds)


def _contexts(workbench: Workbench, feature: int) -> list[ReportContext]:
    """Different contexts that the feature fires in."""
    return [
        ReportContext(*row.text(BEFORE_ON_PAGE, BEHIND_ON_PAGE), row.activations[row.position], row.count)
        for row in workbench.activity.examples(feature, ["diverse"], CONTEXTS_ON_PAGE)
    ]


def _pictures(workbench: Workbench, label: Label) -> list[ReportPicture]:
    """The split histogram of the first claimed set of the library."""
    for hypothesis in label.hypotheses:
        name = hypothesis["spec"].get("library")
        if name is not None:
            caption = f"Logit weights of the open tokens, split by {name}: {workbench.library[name].description}."
            return [ReportPicture(caption, FeaturePlot.of(workbench, label.feature, name).png("histogram"))]
    return []


def _set(workbench: Workbench, hit: Hypothesis) -> ReportSet:
    weights, members = workbench.ranking(hit.feature, hit.set_name)
    side: Side = "promoted" if hit.side == "promoted" else "suppressed"
    sign = 1 if side == "promoted" else -1
    top = members[np.argsort(-sign * weights[members], kind="stable")[:MEMBERS_ON_PAGE]]
    return ReportSet(
        name=hit.set_name,
        size=len(members),
        side=hit.side,
        mass=hit.effect,
        effective_members=workbench.effective_members(hit.feature, hit.set_name, side),
        p_present=hit.p_present,
        p_specific=hit.p_specific,
        q=hit.q,
        holds=hit.holds,
        members=workbench.shown(top),
    )
