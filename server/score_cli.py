"""The commands `tsea eval score`, `agreement` and `compile`: scores of a run's labels, and texts made testable."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..tools.errors import UsageError
from ..tools.phrases import number_of
from . import options as opt
from .eval_output import Json, Out, give
from .opening import opened
from .terminal import print_lines, print_notes

if TYPE_CHECKING:
    from ..evals.exam.exam import Exam
    from ..evals.judge.settings import JudgeSettings
    from ..evals.scoring import Scored
    from ..tools.progress import Progress
    from ..tools.storage.records import Records
    from ..tools.storage.tables import Run

_JUDGE = "Judge"
_DEFAULT_JUDGED = ("detection", "fuzzing", "output-detection")
_Name = Annotated[str, typer.Argument(metavar="RUN", help="A run's name.", show_default=False)]
_BaseUrl = Annotated[
    str | None,
    typer.Option(help="OpenAI-compatible server: vLLM, Ollama, ... (default: OpenAI's).", rich_help_panel=_JUDGE),
]
_KeyVariable = Annotated[
    str, typer.Option(help="Environment variable that holds the server's key.", rich_help_panel=_JUDGE)
]
_Concurrency = Annotated[int, typer.Option(min=1, help="Requests at once.", rich_help_panel=_JUDGE)]
_Prices = Annotated[
    Path | None, typer.Option(help="JSON file with USD per million tokens, by model.", rich_help_panel=_JUDGE)
]
_MaxCost = Annotated[float | None, typer.Option(help="Most USD; needs --prices.", rich_help_panel=_JUDGE)]
_MaxTokens = Annotated[int | None, typer.Option(help="Most tokens.", rich_help_panel=_JUDGE)]
_SubjectName = Annotated[
    str | None,
    typer.Option("--subject", "-s", help="The run's subject by another name.", rich_help_panel="Subject"),
]


def score(
    run: _Name,
    scorer: Annotated[
        list[str] | None,
        typer.Option(
            help="output, input, next-token, causal (default: all four); with --judge: detection, fuzzing, "
            "output-detection (default: these three), simulation, generation, embedding, intruder.",
            show_default=False,
        ),
    ] = None,
    json: Json = False,
    out: Out = None,
    judge: Annotated[
        str | None, typer.Option(help="Model that judges, by the name its server knows it by.", rich_help_panel=_JUDGE)
    ] = None,
    base_url: _BaseUrl = None,
    key_variable: _KeyVariable = "OPENAI_API_KEY",
    embedding_model: Annotated[
        str | None, typer.Option(help="Model of the embedding scorer.", rich_help_panel=_JUDGE)
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Items in one prompt.", rich_help_panel=_JUDGE)] = 5,
    seed: Annotated[
        int | None, typer.Option(help="Another seed, another opinion of the same judge.", rich_help_panel=_JUDGE)
    ] = None,
    concurrency: _Concurrency = 8,
    prices: _Prices = None,
    max_cost: _MaxCost = None,
    max_tokens: _MaxTokens = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say about what the judge would take; ask nothing.", rich_help_panel=_JUDGE),
    ] = False,
    database: opt.Database = None,
    subject: _SubjectName = None,
    directions: opt.Directions = None,
    universe: opt.Universe = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
) -> None:
    """Score a run's labels on sealed tokens and held-out documents, each once, beside controls on the same items."""
    from ..evals.exam.exam import Exam
    from ..evals.judge.settings import JudgeSettings
    from ..evals.score_summary import report, score_rows
    from ..evals.scorers.by_judge import JUDGED
    from ..evals.scorers.programs import PROGRAMS, program_scorers
    from ..evals.scorers.scorer import require_known
    from ..evals.scoring import score_run
    from ..labeler.llm.endpoint import OPENAI, Endpoint
    from ..labeler.llm.prices import Prices
    from ..labeler.llm.spending import Budget
    from ..tools.storage.records import Records

    named = scorer or ()
    require_known(named, [*PROGRAMS, *JUDGED])
    judged = [name for name in named if name in JUDGED] or ([] if named else [*_DEFAULT_JUDGED])
    settings = None
    if judge is not None and judged:
        settings = JudgeSettings(
            judge,
            Endpoint(base_url or OPENAI, key_variable),
            batch,
            seed=seed,
            embedding_model=embedding_model,
            concurrency=concurrency,
            prices=Prices() if prices is None else Prices.read(prices),
            per_run=Budget(max_cost, max_tokens),
        )
        if not dry_run:
            settings.endpoint.key()
    elif named and judged:
        raise UsageError(f"The scorer {judged[0]} asks a model: name one with --judge.")
    elif dry_run:
        raise UsageError("--dry-run says what a judge would take: name one with --judge.")
    with Records(database) as records:
        found = records.run(run)
        with opened(subject or found.subject, directions, device, dtype, universe) as workbench:
            exam = Exam(workbench)
            if settings is not None and dry_run:
                return _estimated(exam, records, found, settings, judged, json)
            programs = [name for name in named if name in PROGRAMS]
            scored: list[Scored] = []
            if programs or not named:
                scored += score_run(exam, records, found, program_scorers(exam, programs), workbench.progress)
            if settings is not None:
                scored += _judged(exam, records, found, settings, judged, workbench.progress)
        made = report(found.name, found.subject, exam.identity, rows := score_rows(scored))
    give(made, json, out)
    if not any(row.n for row in rows):
        raise typer.Exit(1)


def compile_texts(
    run: _Name,
    model: Annotated[str, typer.Option(help="Model by the name its server knows it by.", rich_help_panel=_JUDGE)],
    compiled_run: Annotated[
        str | None, typer.Option("--run", help="Name of the run that is made (default: RUN.compiled).")
    ] = None,
    retry: opt.Retry = None,
    base_url: _BaseUrl = None,
    key_variable: _KeyVariable = "OPENAI_API_KEY",
    concurrency: _Concurrency = 8,
    prices: _Prices = None,
    max_cost: _MaxCost = None,
    max_tokens: _MaxTokens = None,
    database: opt.Database = None,
    subject: _SubjectName = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
) -> None:
    """Turn a run's label texts into token sets, by a model that sees the text alone: a run RUN.compiled to score."""
    from ..evals.compiling.running import Compiling, compile_texts_of
    from ..labeler.llm.endpoint import OPENAI, Endpoint
    from ..labeler.llm.prices import Prices
    from ..labeler.llm.spending import Budget
    from ..labeler.runs import without_retried
    from ..tools.storage.records import Records
    from .report import failure_lines

    asked = Compiling(
        model,
        Endpoint(base_url or OPENAI, key_variable),
        concurrency,
        Prices() if prices is None else Prices.read(prices),
        Budget(max_cost, max_tokens),
    )
    asked.endpoint.key()
    with Records(database) as records:
        found = records.run(run)
        with opened(subject or found.subject, None, device, dtype) as workbench:
            made = compile_texts_of(
                workbench,
                records,
                found,
                asked,
                compiled_run,
                retry_failed=retry == "failed",
                progress=workbench.progress,
            )
        labels = without_retried(records.labels(made))
    statuses, said = Counter(label.status for label in labels), sum(bool(label.hypotheses) for label in labels)
    print_lines(
        [
            f"Compiled run {found.name} into {made.name}: {number_of(said, 'label')} with token sets, "
            f"{statuses['labelled'] - said} that name nothing testable, {statuses['no_claim']} without a claim, "
            f"{statuses['failed']} failed"
        ]
    )
    print_notes(failure_lines(labels))
    if not said:
        raise typer.Exit(1)
    print_lines([f"Score it: tsea eval score {made.name}"])


def agreement(
    run: _Name,
    json: Json = False,
    out: Out = None,
    database: opt.Database = None,
) -> None:
    """How far judges agree that scored a run's labels: Krippendorff's alpha of their answers, 1 for full agreement."""
    from ..evals.judge.agreement_report import report
    from ..tools.storage.records import Records

    with Records(database) as records:
        made = report(records, records.run(run))
    give(made, json, out)


def _judged(
    exam: Exam, records: Records, run: Run, settings: JudgeSettings, names: list[str], progress: Progress
) -> list[Scored]:
    from ..evals.judge.labels import score_run_by_judge
    from ..evals.judge.settings import same_model_warning
    from ..evals.scorers.by_judge import judged_scorers

    if warning := same_model_warning(settings.model, run.config.get("model")):
        print_notes([warning])
    return score_run_by_judge(exam, records, run, judged_scorers(exam, settings, names), settings, progress)


def _estimated(exam: Exam, records: Records, run: Run, settings: JudgeSettings, names: list[str], json: bool) -> None:
    from ..evals.judge.labels import run_estimate
    from ..evals.scorers.by_judge import judged_scorers

    found = run_estimate(exam, records, run, judged_scorers(exam, settings, names), settings)
    if json:
        return print_lines([found.model_dump_json()])
    cost = "no price is known" if found.cost is None else f"{found.cost:.4g} USD"
    print_lines(
        [
            f"About {found.requests} requests, {found.prompt_tokens} prompt and {found.completion_tokens} completion "
            f"tokens for {found.scores} scores, of labels and their controls ({cost}). Nothing was asked or written."
        ]
    )
