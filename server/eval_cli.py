"""The commands `tsea eval ...`: scores of labels, measurements of tsea itself and of dictionaries."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from .compare_cli import compare
from .eval_output import Json, Out, give
from .score_cli import agreement, compile_texts, score
from .terminal import progress_bars

evals = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Score labels; measure speed, calibration, claim rates, which statistic finds most, how dictionaries compare.",
)

evals.command(epilog="Example: tsea eval score first --scorer output --scorer input")(score)
evals.command(epilog="Example: tsea eval agreement first")(agreement)
evals.command("compile", epilog="Example: tsea eval compile first --model NAME")(compile_texts)
evals.command(epilog="Example: tsea eval compare first second --out comparison")(compare)

Subjects = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SUBJECT]...", help="Subjects by name (default: the bundled one, its layers, untrained)."),
]


@evals.command(epilog="Example: tsea eval speed '2,000 sets'")
def speed(
    cases: Annotated[
        list[str] | None, typer.Argument(metavar="[CASE]...", help="Parts of the names of cases (default: all).")
    ] = None,
    features: Annotated[int | None, typer.Option(help="Measure the first so many features of each case only.")] = None,
    json: Json = False,
    out: Out = None,
) -> None:
    """Time and memory beside other software, same data, same run; peers come with the extra `bench`."""
    from ..evals.speed import report

    with progress_bars() as progress:
        give(report(cases or (), features, progress), json, out)


@evals.command("index-speed", epilog="Example: tsea eval index-speed --out evals/measured")
def index_speed(json: Json = False, out: Out = None) -> None:
    """Throughput of the activation index beside model and SAE alone, and its peak memory as the corpus grows."""
    from ..evals.index_speed import report

    with progress_bars() as progress:
        give(report(progress), json, out)


@evals.command("activity-speed", epilog="Example: tsea eval activity-speed")
def activity_speed(json: Json = False, out: Out = None) -> None:
    """How long single questions about a text take on an open index: what features do there, and which ones fire."""
    from ..evals.activity_speed import report

    with progress_bars() as progress:
        give(report(progress), json, out)


@evals.command("server-speed", epilog="Example: tsea eval server-speed")
def server_speed(json: Json = False, out: Out = None) -> None:
    """How long an MCP client waits for the server's start and for single calls over HTTP."""
    from ..evals.server_speed import report

    with progress_bars() as progress:
        give(report(progress), json, out)


@evals.command("labeling-speed", epilog="Example: tsea eval labeling-speed")
def labeling_speed(
    features: Annotated[int, typer.Option(min=1, help="Features that the agent labels.")] = 64,
    json: Json = False,
    out: Out = None,
) -> None:
    """How far a run by a language model is from what the model's latency and the tools take at least."""
    from ..evals.labeling_speed import report

    with progress_bars() as progress:
        give(report(features, progress), json, out)


@evals.command(epilog="Example: tsea eval calibrate --json")
def calibrate(json: Json = False, out: Out = None) -> None:
    """Type I error, false discoveries and power of every statistic under every null, where the truth is known."""
    from ..evals.calibrate import report

    with progress_bars() as progress:
        give(report(progress), json, out)


@evals.command("claim-rates", epilog="Example: tsea eval claim-rates pocket")
def claim_rates(subjects: Subjects = None, json: Json = False, out: Out = None) -> None:
    """How often features are labelled, and how often random directions and features on shuffled sets would be."""
    from ..evals.claim_rates import SUBJECTS, report

    with progress_bars() as progress:
        give(report(subjects or SUBJECTS, progress), json, out)


@evals.command("input-claims", epilog="Example: tsea eval input-claims pocket")
def input_claims(subjects: Subjects = None, json: Json = False, out: Out = None) -> None:
    """How often features are said to fire on a token set, how often random directions are, and what holds later."""
    from ..evals.input_claims import SUBJECTS, report

    with progress_bars() as progress:
        give(report(subjects or SUBJECTS, progress), json, out)


@evals.command(epilog="Example: tsea eval excess pocket")
def excess(subjects: Subjects = None, json: Json = False, out: Out = None) -> None:
    """Excess discoveries: the share of features with a hit over that of random directions, by layer and null."""
    from ..evals.excess import SUBJECTS, report

    with progress_bars() as progress:
        give(report(subjects or SUBJECTS, progress), json, out)


@evals.command(epilog="Example: tsea eval statistics --by-layer")
def statistics(
    by_layer: Annotated[
        bool, typer.Option("--by-layer", help="A few statistics on every layer and on the untrained subject.")
    ] = False,
    json: Json = False,
    out: Out = None,
) -> None:
    """Which statistic of token sets finds most: excess over random directions and over shuffled sets."""
    from ..evals.statistics_compared import report

    with progress_bars() as progress:
        give(report(by_layer, progress), json, out)


@evals.command("read-outs", epilog="Example: tsea eval read-outs")
def read_outs(json: Json = False, out: Out = None) -> None:
    """The claim rule on the mass of logit weights and of whitened ones: claims, controls, and how many hold."""
    from ..evals.read_outs import report

    with progress_bars() as progress:
        give(report(progress), json, out)


@evals.command(epilog="Example: tsea eval dictionaries local:checkpoint-1 local:checkpoint-2")
def dictionaries(subjects: Subjects = None, json: Json = False, out: Out = None) -> None:
    """SAEs, layers or checkpoints side by side: classes, claims, decoys and excess discoveries."""
    from ..evals.dictionaries import SUBJECTS, report

    with progress_bars() as progress:
        give(report(subjects or SUBJECTS, progress), json, out)


@evals.command(epilog="Example: tsea eval release --features 128")
def release(
    features: Annotated[int, typer.Option(min=2, help="Features of the bundled subject that are labelled.")] = 512,
    planted_features: Annotated[int, typer.Option(min=54, help="Planted features, on each of two backgrounds.")] = 324,
    json: Json = False,
    out: Out = None,
) -> None:
    """The statistical labeler beside its ablations and a plain baseline, on held-out data and on planted truth."""
    from ..evals.release import report

    with progress_bars() as progress:
        give(report(features, planted_features, progress), json, out)


@evals.command(epilog="Example: tsea eval planted --labeler statistical --features 216")
def planted(
    labeler: Annotated[
        str,
        typer.Option(
            help="statistical, an ablation of it (random-set, es-p0, no-overlap, top-tokens), or with --model: agent, "
            "one-shot, one-shot-weights, one-shot-enrichment, best-of-k."
        ),
    ] = "statistical",
    subject: Annotated[str, typer.Option("--subject", "-s", help="What the truth is planted in.")] = "pocket",
    features: Annotated[
        int, typer.Option(help="Features with a known truth on each background, a third of them nulls.")
    ] = 432,
    background: Annotated[
        Literal["isotropic", "dictionary"] | None,
        typer.Option(help="Only directions of this kind behind what is planted (default: both).", show_default=False),
    ] = None,
    corpus: Annotated[
        list[str] | None, typer.Option(help="Text to plant inputs on (default: bundled).", show_default=False)
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model by the name its server knows it by.")] = None,
    base_url: Annotated[
        str | None, typer.Option(help="OpenAI-compatible server: vLLM, Ollama, ... (default: OpenAI's).")
    ] = None,
    key_variable: Annotated[str, typer.Option(help="Environment variable with the server's key.")] = "OPENAI_API_KEY",
    database: Annotated[str | None, typer.Option("--db", help="Where runs of a model are recorded.")] = None,
    json: Json = False,
    out: Out = None,
) -> None:
    """A labeler on subjects whose truth is known: recall, power, wrong claims, calibration of confidence."""
    from ..evals.planted.report import BACKGROUNDS, model_labeler, report
    from ..tools.activations.documents import open_corpus

    with progress_bars() as progress:
        found = report(
            labeler,
            model_labeler(labeler, model, base_url, key_variable) if model else None,
            subject=subject,
            features=features,
            backgrounds=(background,) if background else BACKGROUNDS,
            corpus=open_corpus(corpus) if corpus else None,
            database=database,
            progress=progress,
        )
        give(found, json, out)


@evals.command(epilog="Example: tsea eval published")
def published(json: Json = False, out: Out = None) -> None:
    """Published case studies of GPT-2 small, layer 8, through the real loading code (needs a download)."""
    from ..evals.published import report

    give(report(), json, out)
