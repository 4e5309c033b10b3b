"""The command line `tsea`: a thin layer over the workbench, the labeler and the records."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from ..tools.errors import TseaError, UsageError
from ..tools.statistics.names import NullChoice
from . import activation_cli, effects_cli, inputs_cli, label_cli, pairs_cli, serve_cli
from . import options as opt
from .eval_cli import evals
from .opening import opened
from .runs_cli import runs
from .selection import selected
from .sets_cli import sets
from .terminal import note_circular, print_json, print_lines, print_notes, print_table

if TYPE_CHECKING:
    from ..tools.results import EnrichmentRow, SetTestRow, TokenWeight
    from ..tools.workbench import Workbench


Ranking = Literal["logits", "encoder", "features"]

# All but the command line's own exceptions, which print themselves.
_UNEXPECTED = (
    TseaError,
    OSError,
    ArithmeticError,
    LookupError,
    ValueError,
    RuntimeError,
    TypeError,
    AttributeError,
    ImportError,
    AssertionError,
    MemoryError,
)


class _Commands(TyperGroup):
    """Turns errors into one line on stderr and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # Accepted anywhere, since it is added to a command that has just failed.
        ctx.obj = "--debug" in args
        return super().parse_args(ctx, [argument for argument in args if argument != "--debug"])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(
                _fail("interrupted; what is done is kept. Run the same command again to go on.", 1)
            ) from None
        except (typer.Exit, typer.Abort):
            raise
        except _UNEXPECTED as error:
            if ctx.obj or isinstance(error, BrokenPipeError):
                raise
            if isinstance(error, TseaError):
                code = 2 if isinstance(error, UsageError) else 1
                raise typer.Exit(_fail(str(error), code, error.details)) from None
            unexpected = f"{type(error).__name__}: {error}. Run again with --debug to see where it comes from."
            raise typer.Exit(_fail(unexpected, 1)) from None


def _fail(message: str, code: int, details: Iterable[str] = ()) -> int:
    sys.stderr.write("".join(f"{' '.join(line.split())}\n" for line in (f"Error: {message}", *details)))
    return code


app = typer.Typer(
    name="tsea",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Understand SAE features: statistics of logit weights, token set enrichment with honest p-values, and labels. "
    "[bold]--debug[/bold], anywhere, shows the traceback of an error.",
    epilog="Example: [bold]tsea label top:64:skewness --run first --page[/bold]",
)


app.add_typer(evals, name="eval")
app.add_typer(sets, name="sets")
app.add_typer(runs, name="runs")


app.command(epilog="Example: tsea label top:64:skewness --run first --page")(label_cli.label)
app.command(epilog="Example: tsea index --corpus texts/ --tokens 1000000")(activation_cli.index)
app.command(epilog="Example: tsea activate 'My color is red.' 'My color is crimson.'")(activation_cli.activate)
app.command(epilog="Example: tsea find --text 'My favorite color is red.' --token ' red'")(activation_cli.find)
app.command(epilog="Example: tsea examples 7 --kind diverse --count 10")(activation_cli.examples)
app.command(epilog="Example: tsea pairs 7 --count 3")(pairs_cli.pairs)
app.command(epilog="Example: tsea neighbours 7")(activation_cli.neighbours)
app.command(epilog="Example: tsea position 7")(activation_cli.position)
app.command(epilog="Example: tsea reads top:10:skewness")(inputs_cli.reads)
app.command(epilog="Example: tsea steer 618 --text 'There were' --set pos.CD")(effects_cli.steer)
app.command(epilog="Example: tsea ablate 618 --set pos.CD")(effects_cli.ablate)
app.command(epilog="Example: tsea serve --http --port 8765")(serve_cli.serve)


@app.command(epilog="Example: tsea stats top:10:kurtosis")
def stats(
    features: opt.Features,
    subject: opt.SubjectName = "pocket",
    directions: opt.Directions = None,
    universe: opt.Universe = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Moments of logit weights, class, and the most promoted and suppressed open tokens."""
    with opened(subject, directions, device, dtype, universe) as workbench:
        found = workbench.stats(selected(workbench, features))
        if json:
            return print_json(found)
        print_table(
            ("feature", "mean", "std", "skewness", "kurtosis", "class", "promoted", "suppressed"),
            (
                (s.feature, s.mean, s.std, s.skewness, s.kurtosis, s.feature_class, *map(_tokens, (s.top, s.bottom)))
                for s in found
            ),
        )


@app.command(epilog="Example: tsea classes --subject pocket-random")
def classes(
    subject: opt.SubjectName = "pocket",
    directions: opt.Directions = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Class proportions of the whole dictionary, beside those of matched random directions."""
    with opened(subject, directions, device, dtype) as workbench:
        found = workbench.class_proportions()
        if json:
            return print_json(found)
        print_table(
            ("class", "features", "share", "share of random directions"),
            ((c.feature_class, c.features, f"{c.share:.1%}", f"{c.random_share:.1%}") for c in found),
        )


@app.command(epilog="Example: tsea enrich 7 --sets 'regex.*'")
def enrich(
    features: opt.Features,
    sets: opt.SetGlob = "*",
    spec: Annotated[
        str | None,
        typer.Option(help='Test one written set instead: JSON such as \'{"suffix": "ing"}\', or a library name.'),
    ] = None,
    null: Annotated[
        NullChoice,
        typer.Option(
            help="With --spec: against directions that know nothing of the dictionary, typical ones, or random sets."
        ),
    ] = "present",
    given: Annotated[
        str | None,
        typer.Option(help="With --spec: also what the set adds to this one (JSON or a name), and this one to it."),
    ] = None,
    ranking: Annotated[
        Ranking,
        typer.Option(help="Rank tokens by logit weight, tokens by what the encoder reads, or features by cosine."),
    ] = "logits",
    run: Annotated[str | None, typer.Option("--run", help="Count these tests in the ledger of this run.")] = None,
    database: opt.Database = None,
    subject: opt.SubjectName = "pocket",
    directions: opt.Directions = None,
    universe: opt.Universe = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
    json: opt.Json = False,
) -> None:
    """Enrichment of every token set on open tokens: mass, mean and ES, each with random-set and direction nulls."""
    from ..tools.ledger import TestLedger
    from ..tools.storage.records import Records
    from ..tools.written_sets import WrittenSet

    if ranking == "features" and (spec is not None or sets != "*" or run is not None):
        raise UsageError("--ranking features tests sets of features: leave out --spec, --sets and --run.")
    if spec is not None and sets != "*":
        raise UsageError("--spec tests one set and --sets chooses from the library: use one of them.")
    if spec is None and (given is not None or null != "present"):
        raise UsageError('--given and --null belong to --spec: `tsea enrich 7 --spec \'{"suffix": "ing"}\'`.')
    if run is not None and not run.strip():
        raise UsageError("--run needs a name.")
    with opened(subject, directions, device, dtype, universe, ranking == "encoder") as workbench:
        chosen = selected(workbench, features)
        ledger = None if run is None else TestLedger(Records(database), workbench, run)
        if spec is not None:
            written = WrittenSet(workbench, spec)
            tested = workbench.test_set(chosen, written, null, given, ledger)
            print_notes([f"{item.item!r}: {item.reason}" for item in written.resolved.unmatched])
            return _print_set_tests(tested, json)
        rows = workbench.enrich_neighbourhood(chosen) if ranking == "features" else workbench.enrich(chosen, sets)
        if ledger is not None:
            rows = ledger.library(rows)
        if json:
            return print_json(row for of_feature in rows for row in of_feature)
        print_table(
            ("feature", "set", "size", "side", "mass", "p present", "p specific", "q", "explained by"),
            (
                (
                    *(r.feature, r.set, r.size, r.side, r.value),
                    *(_bounded(r.p_present, r.error_present), _bounded(r.p_specific, r.error_specific)),
                    *(r.q, r.explained_by),
                )
                for of_feature in rows
                for r in _strongest(of_feature)
            ),
            title="The 5 strongest sets by mass, explained ones last (--json gives every statistic and set); "
            "<= marks an upper bound",
        )


@app.command(epilog="Example: tsea hist 7 --set regex.all_caps --out 7.png")
def hist(
    feature: opt.Feature,
    set_name: opt.SetName,
    out: opt.Out,
    subject: opt.SubjectName = "pocket",
    directions: opt.Directions = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
) -> None:
    """Histogram of a feature's logit weights on open tokens, split by membership in a token set."""
    from .report import draw_histogram

    with opened(subject, directions, device, dtype) as workbench:
        print_lines([f"Wrote {draw_histogram(workbench, _one(workbench, feature), set_name, out)}"])


@app.command("running-sum", epilog="Example: tsea running-sum 7 --set regex.all_caps --out 7.png")
def running_sum(
    feature: opt.Feature,
    set_name: opt.SetName,
    out: opt.Out,
    power: Annotated[int, typer.Option(min=0, max=1, help="0: ranks alone, 1: weighted by |logit weight|.")] = 0,
    subject: opt.SubjectName = "pocket",
    directions: opt.Directions = None,
    device: opt.Device = None,
    dtype: opt.Dtype = None,
) -> None:
    """GSEA's running sum of a token set down the ranking of open tokens."""
    from .report import draw_running_sum

    with opened(subject, directions, device, dtype) as workbench:
        written = draw_running_sum(workbench, _one(workbench, feature), set_name, 1 if power else 0, out)
        print_lines([f"Wrote {written}"])


@app.command(epilog="Example: tsea doctor --verify")
def doctor(
    subject: opt.SubjectName = "pocket",
    verify: Annotated[
        bool, typer.Option("--verify", help="Measure the subject's SAE against what its card states.")
    ] = False,
    text: Annotated[
        Path | None, typer.Option(help="Text to verify on (default: the bundled subject's corpus).")
    ] = None,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="Also start `tsea serve` as an LLM client does, and say how to connect one.")
    ] = False,
    json: opt.Json = False,
) -> None:
    """What works here and what is missing: versions, device, memory, caches, token set data, subjects."""
    from .doctor import examine
    from .doctor_mcp import examine_mcp, installed_command

    checks = list(examine(subject, verify=verify, text=text))
    if mcp:
        checks += examine_mcp(subject, installed_command())
    if json:
        print_json(checks)
    else:
        print_table(("check", "state", "found", "what to do"), ((c.name, c.state, c.found, c.advice) for c in checks))
    if any(check.state == "failed" for check in checks):
        raise typer.Exit(1)


def _print_set_tests(features: Iterable[list[SetTestRow]], json: bool) -> None:
    if json:
        return print_json(row for rows in features for row in rows)
    tested = [row for rows in features for row in rows]
    note_circular(row.feature for row in tested if row.circular)
    print_table(
        ("feature", "size", "statistic", "side", "value", "null", "p", "q", "tests", "holds"),
        (
            (r.feature, r.size, r.statistic, r.side, r.value, r.null, _bounded(r.p, r.error), r.q, r.tests, r.holds)
            for r in tested
        ),
        title="p: <= marks an upper bound; q covers the tests counted beside it and all features of the call; "
        "holds: as unlikely on confirm tokens",
    )


def _bounded(p: float | None, error: float | None) -> str:
    if p is None:
        return "-"
    return f"{p:.3g}" if error is not None else f"<= {p:.3g}"


def _one(workbench: Workbench, feature: int) -> int:
    return int(workbench.select(str(feature))[0])


def _tokens(weights: list[TokenWeight], count: int = 5) -> str:
    return " ".join(w.token for w in weights[:count])


def _strongest(rows: list[EnrichmentRow], count: int = 5) -> list[EnrichmentRow]:
    by_mass = [row for row in rows if row.statistic == "mass" and row.p_present is not None]
    if rows and all(row.circular for row in rows):
        print_notes(
            [
                f"Feature {rows[0].feature}: no p, every set here was made from it or from one nearly the same. "
                "Choose other sets with --sets."
            ]
        )
    shown = {row.set for row in by_mass}
    # A hit is put last only where the one that explains it is there to be seen.
    return sorted(by_mass, key=lambda row: (row.explained_by in shown, row.p_present, -(row.value or 0)))[:count]


def main() -> None:
    """Run the command line: exit code 0 when done, 1 when something failed, 2 for wrong usage."""
    app()
