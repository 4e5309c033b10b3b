"""The command `tsea label`: by the statistical rule, or by a language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..tools.errors import UsageError
from . import options as opt
from .opening import opened, reading_of
from .selection import selected
from .terminal import print_json, print_lines, print_notes, print_table

if TYPE_CHECKING:
    import numpy as np

    from ..labeler.agent.run import ModelRun
    from ..labeler.agent.runner import Counts
    from ..labeler.hypotheses import LabelResult
    from ..labeler.llm.spending import Spending
    from ..tools.storage.records import Records
    from ..tools.storage.tables import Run
    from ..tools.workbench import Workbench

_MODEL = "Language model"
_NOTED = 50  # labels between two lines that say what they cost
LabelerName = Literal["statistical", "agent", "one-shot", "one-shot-weights", "one-shot-enrichment", "best-of-k"]


def label(
    features: opt.Features,
    run: opt.RunName = None,
    page: Annotated[bool, typer.Option("--page", help="Also write static pages of the labelled features.")] = False,
    outputs_only: Annotated[
        bool, typer.Option("--outputs-only", help="Say what features promote, not what they fire on: needs no index.")
    ] = False,
    labeler: Annotated[
        LabelerName, typer.Option(help="Who labels: the statistical rule, or a language model in one of these ways.")
    ] = "statistical",
    retry: opt.Retry = None,
    model: Annotated[
        str | None, typer.Option(help="Model by the name its server knows it by.", rich_help_panel=_MODEL)
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            help="OpenAI-compatible server: vLLM, Ollama, LM Studio, ... (default: OpenAI's).", rich_help_panel=_MODEL
        ),
    ] = None,
    key_variable: Annotated[
        str, typer.Option(help="Environment variable that holds the server's key.", rich_help_panel=_MODEL)
    ] = "OPENAI_API_KEY",
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="Sampling temperature.", rich_help_panel=_MODEL)
    ] = None,
    reply_tokens: Annotated[int, typer.Option(min=16, help="Most tokens of one reply.", rich_help_panel=_MODEL)] = 2048,
    steps: Annotated[int, typer.Option(min=2, help="Most replies of the agent.", rich_help_panel=_MODEL)] = 12,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests at once.", rich_help_panel=_MODEL)] = 8,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Rate limit.", rich_help_panel=_MODEL)] = None,
    tokens_per_minute: Annotated[int | None, typer.Option(min=1, help="Rate limit.", rich_help_panel=_MODEL)] = None,
    prices: Annotated[
        Path | None,
        typer.Option(help="JSON file with USD per million tokens, by model.", rich_help_panel=_MODEL),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Most USD of the run; needs --prices.", rich_help_panel=_MODEL)
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Most tokens of the run.", rich_help_panel=_MODEL)] = None,
    max_feature_tokens: Annotated[
        int | None, typer.Option(help="Most tokens of one feature.", rich_help_panel=_MODEL)
    ] = None,
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="local: this process; ray: workers on a Ray cluster, tsea[ray].", rich_help_panel=_MODEL),
    ] = "local",
    workers: Annotated[int, typer.Option(min=1, help="With --engine ray: workers.", rich_help_panel=_MODEL)] = 2,
    address: Annotated[
        str | None,
        typer.Option(help="With --engine ray: the cluster (default: one of this machine).", rich_help_panel=_MODEL),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say about what the run would take; ask no model.", rich_help_panel=_MODEL)
    ] = False,
    database: opt.Database = None,
    subject: opt.SubjectName = "pocket",
    directions: opt.Directions = None,
    universe: opt.Universe = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Label features by what they promote and, with an index, fire on; runs resume.

    The statistical rule has run-wide error control. A language model, with --labeler and --model, is asked about each
    feature; its hypotheses are tested, and its labels claim what stands.
    """
    from ..labeler.agent.conversation import Style
    from ..labeler.agent.run import ModelRun
    from ..labeler.hypotheses import LabelResult
    from ..labeler.llm.endpoint import OPENAI, Endpoint
    from ..labeler.llm.prices import Prices
    from ..labeler.llm.spending import Budget
    from ..labeler.runs import without_retried
    from ..tools.storage.records import Records
    from .report import failure_lines, summary_lines, write_run_pages

    asked: ModelRun | None = None
    if labeler != "statistical":
        if not model:
            raise UsageError(f"--labeler {labeler} needs --model: the name of a model on the server.")
        asked = ModelRun(
            labeler,
            Style(model, temperature, reply_tokens),
            Endpoint(base_url or OPENAI, key_variable),
            steps,
            concurrency,
            requests_per_minute,
            tokens_per_minute,
            Prices() if prices is None else Prices.read(prices),
            Budget(max_cost, max_tokens),
            Budget(None, max_feature_tokens),
        )
        if not dry_run:
            asked.endpoint.key()
    elif model or base_url or retry or dry_run:
        raise UsageError("--model, --base-url, --retry and --dry-run belong to a language model: add --labeler agent.")
    with Records(database) as records, opened(subject, directions, device, dtype, universe) as workbench:
        chosen = selected(workbench, features)
        if asked is not None and dry_run:
            return _estimated(workbench, records, chosen, asked, json)
        if asked is None:
            finished = _by_rule(workbench, records, chosen, run, outputs_only)
        elif engine == "ray":
            from ..labeler.agent.ray_engine import label_on_ray
            from ..labeler.agent.run import open_model_run

            opening = {
                "subject": subject,
                "directions": directions,
                "device": device,
                "dtype": dtype,
                "universe": universe,
            }
            stored = open_model_run(workbench, records, chosen, asked, run, retry_failed=retry == "failed")
            finished = label_on_ray(opening, database, stored, chosen, asked, workers=workers, address=address)
        else:
            finished = _by_model(workbench, records, chosen, run, asked, retry == "failed")
        rows = without_retried(records.labels(finished))
        labels = [LabelResult.of(row, finished.name) for row in rows]
        if json:
            print_json(labels)
        else:
            print_table(
                ("feature", "class", "claim", "q", "confidence", "echo", "label"),
                ((r.feature, r.kind, r.claim, r.q, r.confidence, r.echo, _shown(r)) for r in labels),
            )
            print_lines([*summary_lines(finished), f"Records: {records.place} (run {finished.name})"])
        print_notes(failure_lines(rows))
        if page:
            index = write_run_pages(workbench, records, finished)
            (print_lines if not json else print_notes)([f"Pages: {index}"])
        if rows and all(row.status == "failed" for row in rows):
            raise typer.Exit(1)


def _shown(label: LabelResult) -> str:
    """The text for people; what a model said and the tests did not bear out is marked."""
    if label.status == "failed":
        return f"failed: {label.reason}"
    return f"not borne out: {label.text}" if label.status == "no_claim" and label.hypotheses else label.text


def _estimated(workbench: Workbench, records: Records, chosen: np.ndarray, asked: ModelRun, json: bool) -> None:
    from ..labeler.agent.estimate import estimate

    found = estimate(workbench, records, chosen, asked)
    if json:
        return print_json([found])
    cost = "no price is known" if found.cost is None else f"{found.cost:.4g} USD"
    played = ", for investigations of five replies" if asked.labeler == "agent" else ""
    print_lines(
        [
            f"About {found.requests} requests, {found.prompt_tokens} prompt and {found.completion_tokens} completion "
            f"tokens for {found.features} features ({cost}), estimated from {found.sampled} of them"
            f"{played}. Nothing was asked or written."
        ]
    )


def _by_rule(workbench: Workbench, records: Records, chosen: np.ndarray, run: str | None, outputs_only: bool) -> Run:
    from ..labeler.batch import label_features

    reading = None if outputs_only else reading_of(workbench)
    return label_features(workbench, records, chosen, reading=reading, run_name=run, progress=workbench.progress)


def _by_model(
    workbench: Workbench, records: Records, chosen: np.ndarray, run: str | None, asked: ModelRun, retry_failed: bool
) -> Run:
    from ..labeler.agent.run import label_by_model
    from ..tools.progress import silent

    progress = workbench.progress

    def told(counts: Counts, spending: Spending) -> None:
        workbench.progress = silent  # the first label waited for what is made once; from now on labels tell enough
        progress("labels", counts.done, len(chosen))
        if counts.done % _NOTED == 0:
            total = spending.run.all
            cost = "" if total.unpriced else f", {total.cost:.4g} USD"
            print_notes([f"{counts.done} labels, {counts.failed} failed, {total.usage.total} tokens{cost}"])

    return label_by_model(workbench, records, chosen, asked, run_name=run, retry_failed=retry_failed, told=told)
