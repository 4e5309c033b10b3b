"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

Features = Annotated[
    str,
    typer.Argument(
        metavar="FEATURES",
        help="7, 0-63, 3,9,40-50, all, top:500:skewness, class:prediction or density:1e-4..1e-2.",
        show_default=False,
    ),
]
Feature = Annotated[int, typer.Argument(metavar="FEATURE", help="A feature's number.", min=0, show_default=False)]
SubjectName = Annotated[
    str,
    typer.Option(
        "--subject",
        "-s",
        help="pocket, pocket-random, local:FOLDER, MODEL/neurons/LAYER or RELEASE/SAE_ID.",
        rich_help_panel="Subject",
    ),
]
Directions = Annotated[
    Path | None,
    typer.Option(help="A .npy file of directions (n, d_model) instead of the dictionary.", rich_help_panel="Subject"),
]
Universe = Annotated[
    str | None,
    typer.Option(
        help="Rank these tokens only, as a set in JSON or a library name (default: all that text can hold).",
        rich_help_panel="Subject",
    ),
]
Device = Annotated[str | None, typer.Option(help="Torch device (default: the best here).", rich_help_panel="Subject")]
Dtype = Annotated[
    str | None, typer.Option(help="Torch dtype of the model (default: float32).", rich_help_panel="Subject")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
SetGlob = Annotated[str, typer.Option("--sets", help="Token sets to show, as a glob such as 'regex.*'.")]
SetName = Annotated[
    str, typer.Option("--set", help="A token set of the library (`tsea sets list` names them).", show_default=False)
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Picture to write: .png, .svg or .pdf.", show_default=False)]
RunName = Annotated[str | None, typer.Option("--run", help="Name of the run (default: after its settings).")]
Retry = Annotated[
    Literal["failed"] | None,
    typer.Option(help="Do again what failed; the failure stays on record.", rich_help_panel="Language model"),
]
Database = Annotated[str | None, typer.Option("--db", help="Database URL (default: tsea.db in TSEA_HOME).")]
