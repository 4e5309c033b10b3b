"""Labelers measured on known truth: `tsea eval planted --labeler NAME`.

A labeler is anything that labels features of a workbench. It sees subjects in which nothing tells what was planted, and
it is asked about all features with a known truth, nulls included.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from ...tools.activations.documents import Corpus
from ...tools.activations.indexing import can_open_index
from ...tools.errors import UsageError
from ...tools.progress import Progress, silent
from ...tools.storage.records import Records
from ...tools.storage.tables import Label
from ...tools.subject.text_rows import has_bundled_text
from ...tools.workbench import Workbench
from ..ablations import ABLATIONS
from ..results import Report, markdown_table
from .claims import ClaimReader
from .directions import Background
from .figures import InputRow, OutputRow, by_kind, by_overlap, by_size, by_strength, input_rows, output_row
from .inputs import input_outcomes
from .outputs import output_outcomes
from .subject import plant
from .truth import Planted

FEATURES = 432  # on each background: 8 for each of 6 kinds at each of 6 strengths, and 144 nulls
LEAST = 54
POWERED = 0.98
BACKGROUNDS: tuple[Background, ...] = ("isotropic", "dictionary")
Labeler = Callable[[Workbench, Records, np.ndarray], Sequence[Label]]


@dataclass(frozen=True)
class Measured:
    """A labeler's figures on one background: all features together, by strength, kind, size and overlap, and inputs.

    `powered` are the features of those strengths at which the test's power is POWERED or more, None without any.
    `failed` counts features without a label of any kind; they count nowhere else.
    """

    background: Background
    total: OutputRow
    powered: OutputRow | None
    rows: list[OutputRow]
    kinds: dict[str, OutputRow]
    sizes: dict[str, OutputRow]
    overlaps: dict[str, OutputRow]
    inputs: list[InputRow]
    failed: int


def statistical(workbench: Workbench, records: Records, features: np.ndarray) -> Sequence[Label]:
    """The statistical labeler, with what features fire on where there is an index."""
    from ...labeler.batch import label_features

    reading = workbench.reading if can_open_index(workbench.subject) else None
    return records.labels(label_features(workbench, records, features, reading=reading, progress=workbench.progress))


def named_labeler(name: str) -> Labeler:
    """The statistical labeler or one of its ablations; raises UsageError for another name."""
    if name == "statistical":
        return statistical
    if name not in ABLATIONS:
        from ...labeler.agent.asking import LabelerName

        if name in get_args(LabelerName):
            raise UsageError(f"The labeler {name} asks a language model: name one with --model.")
        raise UsageError(f"No labeler {name!r}: choose statistical, {', '.join(ABLATIONS)}, or one with --model.")
    return lambda workbench, records, features: ABLATIONS[name](workbench, features)


def model_labeler(name: str, model: str, base_url: str | None, key_variable: str) -> Labeler:
    """A labeler that asks a language model; raises UsageError for another name and without a key."""
    from ...labeler.agent.asking import LabelerName
    from ...labeler.agent.conversation import Style
    from ...labeler.agent.run import ModelRun, label_by_model
    from ...labeler.llm.endpoint import OPENAI, Endpoint

    known: tuple[LabelerName, ...] = get_args(LabelerName)
    if name not in known:
        raise UsageError(f"No language model labels as {name!r}: choose {', '.join(known)}.")
    asked = ModelRun(known[known.index(name)], Style(model), Endpoint(base_url or OPENAI, key_variable))
    asked.endpoint.key()

    def labels(workbench: Workbench, records: Records, features: np.ndarray) -> Sequence[Label]:
        run = label_by_model(workbench, records, features, asked)
        return [label for label in records.labels(run) if label.batch_key is not None]

    return labels


def measure(planted: Planted, labeler: Labeler, records: Records) -> Measured:
    """Label every feature with a known truth, and hold the labels against it."""
    labels = [one for one in labeler(planted.workbench, records, planted.features) if one.status != "failed"]
    reader = ClaimReader(planted.workbench)
    claims = [reader.claims(label) for label in labels]
    outcomes = output_outcomes(planted, claims)
    rows = by_strength(outcomes)
    enough = {row.strength for row in rows if row.power is not None and row.power >= POWERED}
    powered = [one for one in outcomes if one.truth.strength in enough]
    return Measured(
        background=planted.background,
        total=output_row(outcomes),
        powered=output_row(powered) if powered else None,
        rows=rows,
        kinds=by_kind(outcomes),
        sizes=by_size(outcomes),
        overlaps=by_overlap(outcomes),
        inputs=input_rows(input_outcomes(planted, claims)) if planted.inputs else [],
        failed=len(planted.features) - len(labels),
    )


def report(
    name: str = "statistical",
    labeler: Labeler | None = None,
    *,
    subject: str = "pocket",
    features: int = FEATURES,
    backgrounds: Sequence[Background] = BACKGROUNDS,
    corpus: Corpus | None = None,
    database: str | None = None,
    progress: Progress = silent,
) -> Report:
    """Measure a labeler by name, or one that is given, on subjects made from a subject; inputs where there is text.

    Without `labeler` runs and indexes are left nowhere; with it they stay, so that a paid run can be taken up again.
    Raises UsageError for too few features to have each kind at each strength.
    """
    if features < LEAST:
        raise UsageError(
            f"{features} features are too few to plant every kind at every strength: take {LEAST} or more."
        )
    chosen, kept = labeler or named_labeler(name), labeler is not None
    base = Workbench.open(subject, imported=False, progress=progress)
    with contextlib.ExitStack() as stack:
        if not kept:
            stack.enter_context(_own_home())
        records = stack.enter_context(Records(database if kept else None))
        measured: list[Measured] = []
        for background in backgrounds:
            read = background == "dictionary" and (corpus is not None or has_bundled_text(base.subject))
            planted = plant(base, background, features, inputs=read, corpus=corpus)
            measured.append(measure(planted, chosen, records))
    return Report(f"planted_{name}", figures(name, measured), table(name, measured))


def figures(name: str, measured: Sequence[Measured]) -> dict[str, Any]:
    """The report as JSON: `rows` by strength, the background in each, and everything else under `backgrounds`."""
    rows = [{"background": one.background, **dataclasses.asdict(row)} for one in measured for row in one.rows]
    return {"labeler": name, "rows": rows, "backgrounds": [dataclasses.asdict(one) for one in measured]}


def table(name: str, measured: Sequence[Measured]) -> str:
    """Markdown: a table of outputs and one of inputs for each background."""
    return "\n".join(part for one in measured for part in _tables(name, one))


def _tables(name: str, measured: Measured) -> Iterator[str]:
    groups = [
        *((f"strength {row.strength:g}" if row.strength else "nulls", row) for row in measured.rows),
        *((f"kind: {kind}", row) for kind, row in measured.kinds.items() if kind != "null"),
        *((f"size: {size}", row) for size, row in measured.sizes.items()),
        *((f"overlap: {overlap}", row) for overlap, row in measured.overlaps.items()),
        *([(f"power of {POWERED:g} or more", measured.powered)] if measured.powered else []),
        ("all", measured.total),
    ]
    columns = ("n", "power", "recall_top1", "recall_outside", "jaccard", "claims", "wrong_claims", "confidence", "ece")
    headers = (
        "",
        "n",
        "power",
        "recall, top 1",
        "outside the library",
        "Jaccard",
        "claims",
        "wrong",
        "confidence",
        "ECE",
    )
    lines = [(group, *(_shown(getattr(row, column)) for column in columns)) for group, row in groups]
    failed = f", {measured.failed} without a label" if measured.failed else ""
    heading = f"{name}, what features promote, {measured.background} background{failed}"
    yield f"{heading}:\n\n{markdown_table(headers, lines)}"
    if measured.inputs:
        names = ("n", "purity", "coverage", "power", "recall_top1", "pure", "recall_pure", "claims", "wrong_claims")
        shown = [(row.kind, *(_shown(getattr(row, column)) for column in names)) for row in measured.inputs]
        heads = ("fires on", "n", "purity", "coverage", "power", "recall, top 1", "pure", "recall", "claims", "wrong")
        yield f"{name}, what features fire on:\n\n{markdown_table(heads, shown)}"


def _shown(value: float | None) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"


@contextlib.contextmanager
def _own_home() -> Iterator[None]:
    """A TSEA_HOME that ends with the block: neither runs nor indexes of made-up subjects are left behind."""
    before = os.environ.get("TSEA_HOME")
    with tempfile.TemporaryDirectory(prefix="tsea-planted-") as folder:
        os.environ["TSEA_HOME"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["TSEA_HOME"]
            else:
                os.environ["TSEA_HOME"] = before
