"""The commands `tsea runs ...`: what is on record, in other programs' formats, and its deletion."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..evals.imports.explanation import ImportName
from ..labeler.exports.export import Destination, FormatName
from ..tools.errors import UsageError
from ..tools.phrases import number_of
from . import options as opt
from .terminal import print_json, print_lines, print_notes, print_table

if TYPE_CHECKING:
    from ..labeler.runs import RunDetails

runs = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Labeling runs on record: list, show, transcripts, export labels to other programs and import theirs, delete.",
)

Name = Annotated[str, typer.Argument(metavar="RUN", help="A run's name.", show_default=False)]
_LISTED = ("run", "subject", "labeler", "model", "features", "labelled", "no_claim", "failed", "finished", "created")
SHOWN_VALUE = 100  # characters of a setting shown to people
TABLE_ROWS = {"labels": "label", "hypotheses": "kept test", "defined_sets": "named set", "scores": "score"}


@runs.command("list", epilog="Example: tsea runs list")
def list_runs(database: opt.Database = None, json: opt.Json = False) -> None:
    """All runs, oldest first, with how many of their features are labelled, without a claim, and failed."""
    from ..labeler.runs import RunResult
    from ..tools.storage.records import Records

    with Records(database) as records:
        statuses = records.statuses()
        found = [RunResult.of(run, statuses.get(run.id, {})) for run in records.runs()]
        if json:
            return print_json(found)
        print_table(
            [column.replace("_", " ") for column in _LISTED],
            ([getattr(row, column) for column in _LISTED] for row in found),
        )
        print_lines([] if found else [f"No run in {records.place} yet: `tsea label` makes one."])


@runs.command(epilog="Example: tsea runs show first")
def show(name: Name, database: opt.Database = None, json: opt.Json = False) -> None:
    """One run: settings, what came out, tests counted, cost, and failures by reason."""
    from ..labeler.runs import RunDetails
    from ..tools.storage.records import Records

    with Records(database) as records:
        found = RunDetails.read(records, records.run(name))
    if json:
        return print_json([found])
    print_lines(_described(found))


@runs.command(epilog="Example: tsea runs transcript first 24")
def transcript(
    name: Name,
    feature: opt.Feature,
    database: opt.Database = None,
    json: Annotated[bool, typer.Option("--json", help="One message a line, as it was sent.")] = False,
) -> None:
    """What was said between the labeler and a language model about one feature, as Markdown."""
    from ..labeler.agent.transcripts import as_markdown, read_transcript
    from ..tools.storage.records import Records

    with Records(database) as records:
        messages = read_transcript(records.run(name), feature)
    print_lines([jsonlib.dumps(one, ensure_ascii=False) for one in messages] if json else [as_markdown(messages)])


@runs.command(epilog="Example: tsea runs export first --format csv --out first.csv")
def export(
    name: Name,
    format_name: Annotated[
        FormatName,
        typer.Option(
            "--format",
            help="neuronpedia: its explanation JSONL; neuronpedia-batch: a folder of bodies for its upload-batch; "
            "delphi: a folder of explanation files; saebench: a summary in its layout; csv, parquet: all labels.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File or folder to write; .gz is compressed.", show_default=False)
    ],
    model: Annotated[
        str | None, typer.Option(help="Neuronpedia's name of the model (default: sae-lens' registry has it).")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Neuronpedia's source, such as 8-res-jb, or delphi's hookpoint.")
    ] = None,
    dashboards: Annotated[
        Path | None,
        typer.Option(help="neuronpedia-batch: SAEDashboard's batch files, for logits and activations."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    database: opt.Database = None,
) -> None:
    """Write a run's labels for another program; failed labels are never explanations, and what is left out is said."""
    from ..labeler.exports.formats import exported, write_export
    from ..tools.storage.records import Records

    with Records(database) as records:
        run = records.run(name)
        made = exported(run, records.labels(run), format_name, Destination(model, source, dashboards))
    write_export(made, out, force=force)
    print_lines([f"Wrote {number_of(made.labels, 'label')} of run {run.name} to {out}"])
    print_notes(made.notes)


@runs.command("import", epilog="Example: tsea runs import batch-0.jsonl.gz --format neuronpedia --run theirs")
def import_labels(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="File or folder that the other program wrote.", show_default=False)
    ],
    format_name: Annotated[
        ImportName,
        typer.Option(
            "--format",
            help="neuronpedia: explanation JSONL (.gz) or bodies of upload-batch, or a folder of such; "
            "delphi: a folder of explanation files.",
            show_default=False,
        ),
    ],
    run: Annotated[str, typer.Option("--run", help="Name of the run to make.", show_default=False)],
    subject: opt.SubjectName = "pocket",
    source: Annotated[
        str | None,
        typer.Option(help="Of several there: Neuronpedia's MODEL/SOURCE, or delphi's hookpoint."),
    ] = None,
    explanation_model: Annotated[
        str | None, typer.Option(help="Only explanations by this model (default: the first of each feature).")
    ] = None,
    database: opt.Database = None,
    json: opt.Json = False,
) -> None:
    """Make a run of other people's explanations, so that they are scored and compared like labels of one's own."""
    from ..evals.imports.importing import import_run
    from ..labeler.runs import RunDetails
    from ..tools.storage.records import Records
    from .opening import opened

    with Records(database) as records, opened(subject, None, None, None) as workbench:
        made = import_run(workbench, records, path, format_name, run, source=source, model=explanation_model)
        found = RunDetails.read(records, made)
    if json:
        return print_json([found])
    counts = found.summary or {}
    print_lines(
        [
            f"Run {made.name} of {made.subject}: {number_of(counts['labelled'], 'label')} of {found.config['source']}, "
            f"{counts['failed']} failed"
        ]
    )
    print_notes(
        f"Not taken: {number_of(counts[key], 'explanation')} {why}."
        for key, why in (
            ("further_explanations", "of features that have an earlier one"),
            ("by_other_models", "by other models"),
            ("failed_explanations", "without a text"),
        )
        if counts[key]
    )


@runs.command(epilog="Example: tsea runs delete first --yes")
def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: opt.Database = None,
) -> None:
    """Delete a run for good: labels, scores, ledger, tests and named sets at once, then transcripts."""
    from ..labeler.agent.transcripts import delete_transcripts
    from ..tools.storage.records import Records

    with Records(database) as records:
        run = records.run(name)
        held = _rows(records.sizes(run))
        if not yes:
            if not sys.stdin.isatty():
                raise UsageError(f"Run {run.name} has {held}: add --yes to delete it for good.")
            typer.confirm(f"Delete run {run.name} ({held}) from {records.place} for good?", abort=True)
        records.delete(run)
        delete_transcripts(run)
    print_lines([f"Deleted run {run.name}: {held}"])


def _rows(sizes: Mapping[str, int]) -> str:
    return ", ".join(number_of(sizes[table], noun) for table, noun in TABLE_ROWS.items())


def _described(run: RunDetails) -> Iterator[str]:
    end = f"finished {run.finished}" if run.finished else "not finished"
    yield f"Run {run.run} of {run.subject}, created {run.created}, {end}"
    yield (
        f"{number_of(run.features, 'feature')}: {run.labelled} labelled, {run.no_claim} without a claim, "
        f"{run.failed} failed"
    )
    yield f"Labels by claim: {', '.join(f'{n} {claim}' for claim, n in run.claims.items()) or 'none'}"
    yield f"Ledger: {number_of(run.tests, 'test')}; {_rows(run.rows)}"
    if run.tokens is not None or run.cost is not None:
        unpriced = f" ({number_of(run.unpriced, 'request')} without a price)" if run.unpriced else ""
        cost = "unknown" if run.cost is None else f"{run.cost:.4g} USD"
        yield f"Cost: {cost}{unpriced}, {number_of(run.tokens or 0, 'token')}"
    if run.estimated_tokens:
        yield f"Sent and never answered whole: up to {number_of(run.estimated_tokens, 'token')}"
    for reason, count in run.failures.items():
        yield f"Failed, {count}: {reason}"
    for title, values in (("Setting", run.config), ("Summary", run.summary or {})):
        for key, value in values.items():
            yield f"{title} {key}: {_brief(value)}"


def _brief(value: object) -> str:
    text = value if isinstance(value, str) else jsonlib.dumps(value)
    return text if len(text) <= SHOWN_VALUE else f"{text[: SHOWN_VALUE - 3]}..."
